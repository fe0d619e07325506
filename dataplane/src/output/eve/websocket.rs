//! `websocket`: one frame, as Suricata 8 has it; `payload_len` and `compressed`
//! are ours.

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::dissect::websocket::Frame;

/// Writes `websocket`.
pub(super) fn write<M: SerializeMap>(map: &mut M, frame: &Frame) -> Result<(), M::Error> {
    let told = Told {
        fin: frame.fin,
        mask: frame.mask,
        opcode: frame.opcode.name(),
        payload_len: frame.payload_len,
        compressed: frame.is_compressed,
    };
    map.serialize_entry("websocket", &told)
}

#[derive(Serialize)]
struct Told {
    fin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<u32>,
    opcode: &'static str,
    payload_len: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    compressed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Record;
    use crate::dissect::websocket::Opcode;
    use crate::output::eve::sample;

    #[test]
    fn a_frame_is_a_line() {
        let frame = Frame {
            opcode: Opcode::Text,
            fin: true,
            is_compressed: false,
            mask: Some(0xe2b6_94ad),
            payload_len: 8,
        };
        let told = sample::app_line(Record::Websocket(frame));
        let websocket = r#""websocket":{"fin":true,"mask":3803616429,"opcode":"text","payload_len":8}"#;
        assert!(told.contains(r#""event_type":"websocket""#) && told.contains(websocket), "{told}");
        let bare = Frame { mask: None, is_compressed: true, opcode: Opcode::Close, ..frame };
        let told = sample::app_line(Record::Websocket(bare));
        let websocket = r#""websocket":{"fin":true,"opcode":"close","payload_len":8,"compressed":true}"#;
        assert!(told.contains(websocket), "{told}");
    }
}
