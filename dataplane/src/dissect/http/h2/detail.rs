//! What HTTP/2 says beside requests and responses.

use super::frame;

/// The most settings that are kept of one frame; there are not twenty.
const SETTINGS_MAX: usize = 32;

/// What frames say on a stream, beside fields and bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http2 {
    /// The stream; 0 is the connection.
    pub stream_id: u32,
    /// Of the client's frames.
    pub request: Frames,
    /// Of the server's.
    pub response: Frames,
}

/// What the frames of one side say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// Settings: numbers and values.
    pub settings: Vec<(u16, u32)>,
    /// Why the stream or the connection ends.
    pub error: Option<ErrorCode>,
    /// The weight, less one.
    pub priority: Option<u8>,
    /// What was said more than once, and is told as it was said first.
    pub repeated: Option<&'static str>,
}

/// Why a stream or a connection ends (RFC 9113, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The number.
    pub code: u32,
    /// Whether it is the connection that ends.
    pub is_of_connection: bool,
}

impl ErrorCode {
    /// The name, in words joined as Suricata joins them: `StreamClosed`; `None` for
    /// numbers that nothing has.
    pub fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 14] = [
            "NoError",
            "ProtocolError",
            "InternalError",
            "FlowControlError",
            "SettingsTimeout",
            "StreamClosed",
            "FrameSizeError",
            "RefusedStream",
            "Cancel",
            "CompressionError",
            "ConnectError",
            "EnhanceYourCalm",
            "InadequateSecurity",
            "Http11Required",
        ];
        usize::try_from(self.code).ok().and_then(|code| NAMES.get(code)).copied()
    }
}

impl Frames {
    pub(super) fn set_error(&mut self, code: u32, is_of_connection: bool) {
        if self.error.is_some() {
            self.repeat("error_code");
        } else {
            self.error = Some(ErrorCode { code, is_of_connection });
        }
    }

    pub(super) fn set_priority(&mut self, weight: u8) {
        if self.priority.is_some() {
            self.repeat("priority");
        } else {
            self.priority = Some(weight);
        }
    }

    pub(super) fn set_settings(&mut self, payload: &[u8]) {
        self.settings = frame::settings(payload).take(SETTINGS_MAX).collect();
    }

    fn repeat(&mut self, what: &'static str) {
        self.repeated = self.repeated.or(Some(what));
    }
}

/// The name of a setting, as events have it (RFC 9113, section 6.5.2; RFC 8441).
pub fn setting_name(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "SETTINGSHEADERTABLESIZE",
        2 => "SETTINGSENABLEPUSH",
        3 => "SETTINGSMAXCONCURRENTSTREAMS",
        4 => "SETTINGSINITIALWINDOWSIZE",
        5 => "SETTINGSMAXFRAMESIZE",
        6 => "SETTINGSMAXHEADERLISTSIZE",
        8 => "SETTINGSENABLECONNECTPROTOCOL",
        _ => return None,
    })
}
