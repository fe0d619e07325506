//! A network interface, by name and index.

use std::ffi::CString;

use super::{XskError, sys};

/// An interface that existed when it was looked up, in the network namespace of
/// the thread that looked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    name: CString,
    /// The name as text, for messages; interface names are bytes.
    shown: String,
    index: u32,
}

impl Interface {
    /// The interface with this name.
    pub fn by_name(name: &str) -> Result<Self, XskError> {
        let missing = |source| XskError::NoInterface { interface: name.to_owned(), source };
        let c_name = CString::new(name).map_err(|error| missing(error.into()))?;
        let index = sys::interface_index(&c_name).map_err(missing)?;
        Ok(Self { name: c_name, shown: name.to_owned(), index })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.shown
    }

    /// Its number.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// How many receive queues it has; `None` where its driver does not say.
    ///
    /// Every one of them needs a socket: the XDP program can redirect a packet
    /// to a socket of the queue that it came in on, and to no other.
    pub fn rx_queues(&self) -> Result<Option<u32>, XskError> {
        match sys::channels(&self.name) {
            Ok(channels) => Ok(Some(channels.rx.saturating_add(channels.combined))),
            Err(source) if source.raw_os_error() == Some(libc::ENODEV) => {
                Err(XskError::NoInterface { interface: self.shown.clone(), source })
            }
            Err(_) => Ok(None),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn is_found_by_its_name() {
        let loopback = Interface::by_name("lo").unwrap();
        assert_eq!((loopback.name(), loopback.index()), ("lo", 1));
        // The loopback driver has no channels to count.
        assert_eq!(loopback.rx_queues().unwrap(), None);
    }

    #[test]
    fn says_which_interface_is_missing() {
        for name in ["no such thing", "nul\0inside", ""] {
            let error = Interface::by_name(name).unwrap_err().to_string();
            assert!(error.starts_with(&format!("no interface {name} in this network namespace")), "{error}");
        }
    }
}
