//! `tidegate replay` over a capture made for it, events and all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use tidegate::control::replay::{self, Replay};

use crate::stats::Samples;
use crate::traffic;

/// Makes a capture of so many packets and replays it a few times.
pub(crate) fn run(packets: u64, runs: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let capture = folder.path().join("perf.pcap");
    write_capture(&capture, packets).map_err(|error| format!("cannot write the capture: {error}"))?;
    let mut rates = Samples::default();
    let mut summary = None;
    for _ in 0..runs {
        let done = replay::run(Replay {
            capture: capture.clone(),
            rules: Vec::new(),
            events: Some(folder.path().join("events.json")),
            write: None,
            pass_through: false,
            verify_checksums: true,
            seed: 0,
            config: tidegate_config::Config::default(),
        })
        .map_err(|error| error.to_string())?;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        rates.push(done.packets as f64 / done.elapsed.as_secs_f64() / 1e6);
        summary = Some(done);
    }
    let (least, greatest) = rates.range();
    if let Some(summary) = summary {
        println!("{summary}");
    }
    println!(
        "median {:.2} M packets/s ({least:.2}-{greatest:.2}), checksums verified, EVE written",
        rates.median()
    );
    Ok(())
}

/// Handshakes, and then small UDP and full TCP packets of 10,000 flows each, in
/// turn.
fn write_capture(path: &Path, packets: u64) -> std::io::Result<()> {
    let (udp, mut tcp) = (traffic::udp(10_000), traffic::tcp(10_000));
    let mut out = BufWriter::new(File::create(path)?);
    // pcap, microseconds, Ethernet (draft-ietf-opsawg-pcap).
    for word in [0xa1b2_c3d4_u32, 4 << 16 | 2, 0, 0, 262_144, 1] {
        out.write_all(&word.to_le_bytes())?;
    }
    let opening = tcp.opening.len();
    let mut full = 0;
    for (number, small) in (0..packets).zip(udp.round.iter().cycle()) {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(packet) = tcp.opening.get(place) {
            write_packet(&mut out, number, packet)?;
        } else if place % 2 == opening % 2 {
            write_packet(&mut out, number, &tcp.round[full])?;
            (tcp.advance)(&mut tcp.round[full]);
            full = (full + 1) % tcp.round.len();
        } else {
            write_packet(&mut out, number, small)?;
        }
    }
    out.flush()
}

/// Writes packet `number`, a microsecond after the one before.
fn write_packet(out: &mut impl Write, number: u64, packet: &[u8]) -> std::io::Result<()> {
    let len = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let micros = u32::try_from(number % 1_000_000).unwrap_or(0);
    let seconds = 1_700_000_000 + u32::try_from(number / 1_000_000).unwrap_or(0);
    for word in [seconds, micros, len, len] {
        out.write_all(&word.to_le_bytes())?;
    }
    out.write_all(packet)
}
