//! Pins: what keeps a program on its device when its process is gone.
//!
//! Below a directory on a BPF file system each interface has a directory of its
//! own with `link`, which holds the program on the device, and the maps, which
//! are there to be looked at. `link` is what counts: the program holds its maps
//! by itself, so a start that finds odd maps or none is none the worse.
//!
//! A pin is replaced by rename, so a name never stands for nothing. On a BPF
//! file system names have no dots; those of interfaces may (`eth0.100`), but
//! never have a colon, which therefore stands for the dot.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::{SteerError, link, sys};

/// Where pins are put by default.
pub const PIN_DIRECTORY: &str = "/sys/fs/bpf/tidegate";

/// Where the system's BPF file system is, or is to be.
const BPFFS: &str = "/sys/fs/bpf";

pub(crate) const LINK: &str = "link";
/// The maps, by the names that the program gives them.
pub(crate) const MAPS: [&str; 5] = ["sockets", "heartbeats", "settings", "counters", "peer"];

/// A pin on its way to its name; left behind by a start that was killed.
const UNFINISHED: &str = ":new";

/// The pins of one interface.
#[derive(Clone, Debug)]
pub(crate) struct PinDirectory {
    path: PathBuf,
}

impl PinDirectory {
    /// Below `root`, which is made sure to lie on a BPF file system; one is
    /// mounted where the system's is missing. Creates no directory yet.
    pub(crate) fn prepare(root: &Path, interface: &str) -> Result<Self, SteerError> {
        ensure_bpffs(root)?;
        Ok(Self::of(root, interface))
    }

    fn of(root: &Path, interface: &str) -> Self {
        Self { path: root.join(interface.replace('.', ":")) }
    }

    /// Where `name` is pinned.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens the pinned link, if there is one.
    pub(crate) fn link(&self) -> Result<Option<OwnedFd>, SteerError> {
        let path = self.path_of(LINK);
        match sys::open_pinned(&path) {
            Ok(link) => Ok(Some(link)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SteerError::Pin { action: "open", path, source }),
        }
    }

    /// Makes the directory, for root's eyes only.
    pub(crate) fn create(&self) -> Result<(), SteerError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        made.map_err(|source| SteerError::Pin { action: "create", path: self.path.clone(), source })
    }

    /// Pins something under `name` in place of what may be there.
    pub(crate) fn replace(
        &self,
        name: &str,
        pin: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), SteerError> {
        let path = self.path_of(name);
        let unfinished = self.path_of(&format!("{name}{UNFINISHED}"));
        let pinned = remove_if_there(&unfinished)
            .and_then(|_| pin(&unfinished))
            .and_then(|()| fs::rename(&unfinished, &path));
        pinned.map_err(|source| SteerError::Pin { action: "pin", path, source })
    }

    /// Removes all pins, the link last, and the directory. Tells whether there
    /// was anything.
    pub(crate) fn remove(&self) -> Result<bool, SteerError> {
        let mut any = false;
        for name in MAPS.into_iter().chain([LINK]) {
            for path in [self.path_of(name), self.path_of(&format!("{name}{UNFINISHED}"))] {
                any |= remove_if_there(&path).map_err(|source| SteerError::Pin {
                    action: "remove",
                    path,
                    source,
                })?;
            }
        }
        match fs::remove_dir(&self.path) {
            Ok(()) => any = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(SteerError::Pin { action: "remove", path: self.path.clone(), source }),
        }
        // The directory of all interfaces goes with the last; where there are
        // others in it, it stays.
        let _ = self.path.parent().map(fs::remove_dir);
        Ok(any)
    }

    /// Takes the program off its device and removes all pins; nothing is touched
    /// where they are not a gateway's.
    fn detach(&self) -> Result<bool, SteerError> {
        if !self.is_ours()? {
            return Ok(false);
        }
        if let Some(link) = self.link()? {
            sys::link_detach(link.as_fd()).map_err(|source| SteerError::Pin {
                action: "detach",
                path: self.path_of(LINK),
                source,
            })?;
        }
        self.remove()
    }

    /// Whether this directory was made by a gateway: its link holds our program,
    /// or there is no link and nothing but our names.
    fn is_ours(&self) -> Result<bool, SteerError> {
        let failed = |action, source| SteerError::Pin { action, path: self.path.clone(), source };
        if let Ok(Some(link)) = self.link() {
            let info =
                sys::link_info(link.as_fd()).map_err(|source| failed("look at the link in", source))?;
            return Ok(info.is_some_and(|info| link::program_name(info.program) == link::PROGRAM));
        }
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(failed("read", source)),
        };
        let ours = |name: &str| {
            let name = name.strip_suffix(UNFINISHED).unwrap_or(name);
            name == LINK || MAPS.contains(&name)
        };
        Ok(entries.flatten().all(|entry| entry.file_name().to_str().is_some_and(ours)))
    }
}

/// Takes the programs that gateways have left pinned below `root` off their
/// devices and removes their pins: those of one interface, or all.
///
/// Gives the names of the interfaces that anything was removed of. What others
/// have pinned there is left alone.
pub fn detach_pinned(root: &Path, interface: Option<&str>) -> Result<Vec<String>, SteerError> {
    let refused = |source| SteerError::Pin { action: "read", path: root.into(), source };
    match sys::is_on_bpffs(root) {
        Ok(true) => {}
        Ok(false) => {
            let reason = format!("it is not on a BPF file system; pins are usually below {PIN_DIRECTORY}");
            return Err(SteerError::NoBpfFs { path: root.into(), reason });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(refused(source)),
    }
    let mut names: Vec<String> = match interface {
        Some(interface) => vec![interface.into()],
        None => fs::read_dir(root)
            .map_err(refused)?
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .map(|name| name.replace(':', "."))
            .collect(),
    };
    names.sort_unstable();
    let mut detached = Vec::new();
    for name in names {
        if PinDirectory::of(root, &name).detach()? {
            detached.push(name);
        }
    }
    Ok(detached)
}

fn remove_if_there(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes sure that `root`, or what of it exists, lies on a BPF file system.
fn ensure_bpffs(root: &Path) -> Result<(), SteerError> {
    let refused = |reason| SteerError::NoBpfFs { path: root.into(), reason };
    let below = root.strip_prefix(BPFFS).ok();
    if below.is_some_and(|below| below.as_os_str().as_encoded_bytes().contains(&b'.')) {
        return Err(refused("names on a BPF file system have no dots".into()));
    }
    if is_on_bpffs(root).map_err(|error| refused(error.to_string()))? {
        return Ok(());
    }
    if below.is_none() {
        return Err(refused(format!(
            "it is not on a BPF file system; choose a directory below {BPFFS}, or mount one there with \
             `mount -t bpf bpf DIRECTORY`"
        )));
    }
    mount(Path::new(BPFFS)).map_err(refused)
}

/// Whether the nearest directory that exists, from `path` upwards, is on one.
fn is_on_bpffs(path: &Path) -> io::Result<bool> {
    let mut nearest = Ok(false);
    for path in path.ancestors() {
        nearest = sys::is_on_bpffs(path);
        match &nearest {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => break,
        }
    }
    nearest
}

/// Mounts the system's BPF file system; the text of an error says what to do.
fn mount(at: &Path) -> Result<(), String> {
    // In a mount namespace of our own it would vanish with this process, and the
    // pins with it: the device would be open to neither fail mode.
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let (own, first) = (namespace("self"), namespace("1"));
    if own.is_some() && first.is_some() && own != first {
        return Err(format!(
            "no BPF file system is mounted at {BPFFS} in the mount namespace of this process, and one mounted \
             here would vanish with it; enter the network namespace with `nsenter --net=` instead of \
             `ip netns exec`, which hides {BPFFS}, or mount it there first"
        ));
    }
    let advice =
        |error: io::Error| format!("no BPF file system is mounted at {BPFFS}, and mounting one: {error}");
    // Of two that start at once the second must not mount over the pins of the
    // first. The lock ends with the descriptor.
    let directory = File::open(at).map_err(advice)?;
    directory.lock().map_err(advice)?;
    if sys::is_on_bpffs(at).map_err(advice)? {
        return Ok(());
    }
    sys::mount_bpffs(at).map_err(advice)?;
    log::info!("mounted a BPF file system at {}", at.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_elsewhere_is_refused_with_what_to_do() {
        let error = PinDirectory::prepare(Path::new("/proc/none"), "g0").expect_err("proc holds no pins");
        assert!(error.to_string().contains("mount -t bpf"), "{error}");
        let error = detach_pinned(Path::new("/proc"), None).expect_err("proc holds no pins");
        assert!(matches!(error, SteerError::NoBpfFs { .. }), "{error}");
    }

    #[test]
    fn dots_are_kept_out_of_names() {
        let pins = PinDirectory::of(Path::new(PIN_DIRECTORY), "eth0.100");
        assert_eq!(pins.path_of(LINK), Path::new("/sys/fs/bpf/tidegate/eth0:100/link"));
        let error = PinDirectory::prepare(Path::new("/sys/fs/bpf/a.b"), "g0").expect_err("a dot");
        assert!(error.to_string().contains("no dots"), "{error}");
    }

    #[test]
    fn nothing_is_removed_where_nothing_is() {
        let detached = detach_pinned(Path::new("/sys/fs/bpf/tidegate-of-no-one"), None);
        assert_eq!(detached.expect("an empty answer"), Vec::<String>::new());
    }
}
