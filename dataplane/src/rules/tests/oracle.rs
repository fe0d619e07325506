//! Our evaluation against Rhai's own: the same text, the same values, the same
//! answer. What is read differently (precedence, sign, shifts) would show here.

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use rhai::{Dynamic, Map, Scope};

use super::super::syntax;
use super::{Facts, Recorder, SYN, TCP, V4, facts};
use crate::event::EventKind;
use crate::rules::RuleSet;
use crate::wire::Packet;
use crate::wire::packet::{Ipv4, Net, Tcp, Transport};

/// What the expressions read.
#[derive(Clone, Copy, Debug)]
struct Values {
    srcport: u16,
    dstport: u16,
    ttl: u8,
    df: bool,
    mf: bool,
}

impl Values {
    fn packet(self) -> Packet {
        let flags = u8::from(self.df) << 1 | u8::from(self.mf);
        Packet {
            net: Net::V4(Ipv4 { ttl: self.ttl, flags, ..V4 }),
            transport: Transport::Tcp(Tcp { src_port: self.srcport, dst_port: self.dstport, ..TCP }),
            ..SYN
        }
    }

    /// The same values under the same names for Rhai: `tcp` and `ip` as maps.
    fn scope(self) -> Scope<'static> {
        let tcp: Map = [("srcport", self.srcport), ("dstport", self.dstport)]
            .map(|(name, port)| (name.into(), Dynamic::from_int(port.into())))
            .into_iter()
            .collect();
        let ip: Map = [
            ("ttl", Dynamic::from_int(self.ttl.into())),
            ("df", Dynamic::from_bool(self.df)),
            ("mf", Dynamic::from_bool(self.mf)),
        ]
        .map(|(name, value)| (name.into(), value))
        .into_iter()
        .collect();
        let mut scope = Scope::new();
        scope.push("tcp", tcp).push("ip", ip);
        scope
    }
}

fn values() -> impl Strategy<Value = Values> {
    // Small numbers most of the time, so that comparisons go both ways.
    let port = || prop_oneof![0_u16..8, any::<u16>()];
    (port(), port(), prop_oneof![0_u8..8, any::<u8>()], any::<bool>(), any::<bool>())
        .prop_map(|(srcport, dstport, ttl, df, mf)| Values { srcport, dstport, ttl, df, mf })
}

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => prop_oneof![Just("tcp.srcport"), Just("tcp.dstport"), Just("ip.ttl")].prop_map(str::to_owned),
        2 => (-9_i64..10).prop_map(|value| value.to_string()),
        1 => any::<i64>().prop_map(|value| value.to_string()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let operator = prop_oneof![Just("+"), Just("-"), Just("*"), Just("&"), Just("|"), Just("^")];
        let shift = prop_oneof![Just("<<"), Just(">>")];
        prop_oneof![
            4 => (inner.clone(), operator.clone(), inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            // Without brackets, so that precedence counts.
            2 => (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b} + 1)")),
            1 => (inner.clone(), shift, 0_u32..64).prop_map(|(a, op, count)| format!("({a} {op} {count})")),
            1 => inner.prop_map(|a| format!("-({a})")),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    let order = prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
    let leaf = prop_oneof![
        4 => (number(), order, number()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => prop_oneof![Just("ip.df"), Just("ip.mf"), Just("true"), Just("false")].prop_map(str::to_owned),
        1 => (number(), -5_i64..6, 0_i64..9).prop_map(|(a, low, len)| format!("{a} in {low}..{}", low + len)),
        1 => (number(), -5_i64..6, 0_i64..9).prop_map(|(a, low, len)| format!("{a} in {low}..={}", low + len)),
        1 => (number(), -5_i64..6, 0_i64..9).prop_map(|(a, x, y)| format!("{a} !in [{x}, {y}, 3]")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let boolean = prop_oneof![Just("&&"), Just("||"), Just("=="), Just("!="), Just("&"), Just("|"), Just("^")];
        prop_oneof![
            3 => (inner.clone(), boolean, inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            2 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a} || {b} && {c}")),
            1 => inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Ours: the answer, or `None` where the text is refused because a constant
/// part of it overflows.
fn ours(text: &str, facts: &Facts<'_>) -> Option<bool> {
    let rule = format!("rule \"r\" on packet when {text} {{ accept(); }}");
    match RuleSet::from_source("t.rhai", &rule) {
        Ok(loaded) => {
            let judgement = loaded.rules.judge(EventKind::Packet, facts, &mut Recorder::default());
            Some(judgement.verdict.is_some())
        }
        Err(errors) => {
            let overflows = |message: &str| message == "this number does not fit into 64 bits";
            assert!(errors.diagnostics.iter().any(|found| overflows(&found.message)), "{errors}");
            None
        }
    }
}

thread_local! {
    static ENGINE: rhai::Engine = syntax::engine();
}

proptest! {
    #[test]
    fn agrees_with_rhai(text in condition(), values in values()) {
        // Rhai fails where a number overflows, and so gives no answer to hold
        // ours against; also a `-9223372036854775808` that it reads as a float.
        let theirs = ENGINE.with(|engine| engine.eval_with_scope::<bool>(&mut values.scope(), &text));
        let packet = values.packet();
        if let (Ok(theirs), Some(ours)) = (theirs, ours(&text, &facts(&packet)))
            && theirs != ours
        {
            return Err(TestCaseError::fail(format!("{text}: Rhai says {theirs}, we say {ours}")));
        }
    }
}
