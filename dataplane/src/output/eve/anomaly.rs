//! `anomaly`: something odd about a packet, a stream, or what is said in it.

use serde::Serialize;
use serde::ser::SerializeMap;

use super::head::write_capture;
use super::{Eve, head, tunnel};
use crate::anomaly::Anomaly;
use crate::worker::event::Anomalous;

/// Writes an `anomaly` line.
pub(super) fn write<M: SerializeMap>(map: &mut M, eve: Eve, anomalous: &Anomalous) -> Result<(), M::Error> {
    let Anomalous { context, anomaly } = anomalous;
    head::write(map, eve, "anomaly", context)?;
    map.serialize_entry("anomaly", &What::new(*anomaly))?;
    tunnel::write(map, context)?;
    write_capture(map, context)
}

/// `anomaly`: which part of the engine saw it, and its name.
#[derive(Serialize)]
struct What {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    #[serde(rename = "type")]
    kind: &'static str,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'static str>,
}

impl What {
    fn new(anomaly: Anomaly) -> Self {
        let of_app_proto = anomaly.of_app_proto();
        Self {
            app_proto: of_app_proto.map(|(app_proto, _)| app_proto),
            kind: anomaly.kind(),
            event: of_app_proto.map_or(anomaly.name(), |(_, event)| event),
            layer: of_app_proto.map(|_| "proto_parser"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::output::eve::sample;
    use crate::wire::Packet;
    use crate::worker::event::Event;

    fn line(anomalous: Anomalous) -> String {
        sample::line(&Event::Anomaly(Box::new(anomalous)))
    }

    #[test]
    fn of_a_segment_in_a_flow() {
        let mut anomalous = sample::anomalous(sample::tcp_packet());
        anomalous.context.capture_number = Some(7);
        anomalous.context.interface = "in.pcap".into();
        anomalous.anomaly = Anomaly::StreamPktInvalidAck;
        assert_eq!(
            line(anomalous),
            concat!(
                r#"{"timestamp":"2026-11-21T09:05:00.123456+0000","flow_id":77,"pcap_cnt":7,"event_type":"anomaly","#,
                r#""src_ip":"192.0.2.7","src_port":443,"dest_ip":"10.0.0.9","dest_port":40000,"proto":"TCP","#,
                r#""pkt_src":"wire/pcap","community_id":"1:i8bvpYpy+holUxQTnYJUY8chwhY=","#,
                r#""anomaly":{"type":"stream","event":"stream.pkt_invalid_ack"},"pcap_filename":"in.pcap"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn of_a_frame_that_is_no_ip() {
        let packet =
            Packet { ethertype: 64_439, net: crate::wire::packet::Net::None, ..sample::arp_packet() };
        let mut anomalous = sample::anomalous(packet);
        anomalous.context.flow = None;
        anomalous.anomaly = Anomaly::EthernetUnknownEthertype;
        assert_eq!(
            line(anomalous),
            concat!(
                r#"{"timestamp":"2026-11-21T09:05:00.123456+0000","in_iface":"eth1","event_type":"anomaly","#,
                r#""ether":{"ether_type":64439,"src_mac":"02:00:00:00:00:01","dest_mac":"ff:ff:ff:ff:ff:ff"},"#,
                r#""pkt_src":"wire/pcap","#,
                r#""anomaly":{"type":"decode","event":"decoder.ethernet.unknown_ethertype"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn of_what_is_said_it_names_the_protocol() {
        let anomalous =
            Anomalous { anomaly: Anomaly::SshLongBanner, ..sample::anomalous(sample::tcp_packet()) };
        assert!(line(anomalous).contains(
            r#""anomaly":{"app_proto":"ssh","type":"applayer","event":"long_banner","layer":"proto_parser"}"#
        ));
    }

    #[test]
    fn every_one_has_its_type_and_name() {
        for &anomaly in Anomaly::ALL {
            let anomalous = Anomalous { anomaly, ..sample::anomalous(sample::tcp_packet()) };
            let told = sample::parse(&line(anomalous))["anomaly"].clone();
            let (kind, event) = match anomaly.name().split_once('.') {
                Some(("decoder", _)) => ("decode", anomaly.name()),
                Some(("stream", _)) => ("stream", anomaly.name()),
                Some((_, event)) => ("applayer", event),
                None => ("", ""),
            };
            assert_eq!((&told["type"], &told["event"]), (&kind.into(), &event.into()), "{}", anomaly.name());
        }
    }
}
