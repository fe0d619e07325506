//! What authors are told about their mistakes, word for word: these texts are
//! an interface.

use proptest::prelude::{prop, proptest};

use super::super::RuleSet;
use super::super::diagnostic::render_all;
use crate::event::EventKind;

/// All that is said about a text, errors and warnings.
fn said(text: &str) -> String {
    match RuleSet::from_source("t.rhai", text) {
        Ok(loaded) => render_all(&loaded.warnings, false),
        Err(errors) => errors.render(false),
    }
}

/// What is said about a condition on packets, without the picture.
fn remark(event: &str, condition: &str) -> Vec<String> {
    let text = format!("rule \"r\" on {event} when {condition} {{ log(\"x\"); }}");
    let found = match RuleSet::from_source("t.rhai", &text) {
        Ok(loaded) => loaded.warnings,
        Err(errors) => errors.diagnostics,
    };
    found
        .iter()
        .map(|found| {
            let place = found.place.as_ref().map_or("", |place| place.source.slice(place.span));
            format!("{place}: {} | {}", found.message, found.help.as_deref().unwrap_or("-"))
        })
        .collect()
}

#[test]
fn a_misspelt_field() {
    assert_eq!(
        said("// Who may open SSH.\nrule \"ssh\" on flow_open\n    when flow.sever.port == 22 { drop(); }"),
        "\
error: no field `flow.sever.port`
 --> t.rhai:3:10
  |
3 |     when flow.sever.port == 22 { drop(); }
  |          ^^^^^^^^^^^^^^^
  |
  = help: did you mean `flow.server.port`?"
    );
}

#[test]
fn a_port_beside_a_string() {
    assert_eq!(
        said("rule \"r\" on packet when tcp.dstport == \"22\" { drop(); }"),
        "\
error: cannot compare `tcp.dstport` (a number) with `\"22\"` (a string)
 --> t.rhai:1:40
  |
1 | rule \"r\" on packet when tcp.dstport == \"22\" { drop(); }
  |                                        ^^^^
  |
  = help: write the number without quotes: `22`"
    );
}

#[test]
fn a_misspelt_event() {
    assert_eq!(
        said("rule \"r\" on flow_opne { drop(); }"),
        "\
error: no event `flow_opne`
 --> t.rhai:1:13
  |
1 | rule \"r\" on flow_opne { drop(); }
  |             ^^^^^^^^^
  |
  = help: did you mean `flow_open`?"
    );
}

#[test]
fn a_division() {
    assert_eq!(
        said("rule \"r\" on packet when pkt.len / 2 > 4 { drop(); }"),
        "\
error: `/` is not allowed in a condition
 --> t.rhai:1:33
  |
1 | rule \"r\" on packet when pkt.len / 2 > 4 { drop(); }
  |                                 ^
  |
  = help: multiply the other side, or shift: `x >> 3` is an eighth of x"
    );
}

#[test]
fn actions_that_are_none() {
    assert_eq!(
        said("rule \"r\" on packet { blokc(ip.src); drop; if true { drop(); } }"),
        "\
error: no action `blokc`
 --> t.rhai:1:22
  |
1 | rule \"r\" on packet { blokc(ip.src); drop; if true { drop(); } }
  |                      ^^^^^
  |
  = help: did you mean `block`?

error: `drop` is an action and needs its parentheses
 --> t.rhai:1:37
  |
1 | rule \"r\" on packet { blokc(ip.src); drop; if true { drop(); } }
  |                                     ^^^^
  |
  = help: write `drop();`

error: `if` is not in this version: a body is a list of actions
 --> t.rhai:1:43
  |
1 | rule \"r\" on packet { blokc(ip.src); drop; if true { drop(); } }
  |                                           ^^
  |
  = help: decide after `when`, and write one rule for each case"
    );
}

#[test]
fn a_bad_network() {
    assert_eq!(
        said("const ADMIN = net(\"10.0.0.1/8\");\nrule \"r\" on packet when ip.src in ADMIN { drop(); }"),
        "\
error: `10.0.0.1/8` has bits beyond its prefix
 --> t.rhai:1:15
  |
1 | const ADMIN = net(\"10.0.0.1/8\");
  |               ^^^^^^^^^^^^^^^^^
  |
  = help: the network is `10.0.0.0/8`; the address alone is `10.0.0.1`"
    );
}

#[test]
fn a_number_that_no_port_has_is_a_warning() {
    assert_eq!(
        said("rule \"r\" on packet when tcp.dstport == 70000 { drop(); }"),
        "\
warning: this can never hold
 --> t.rhai:1:25
  |
1 | rule \"r\" on packet when tcp.dstport == 70000 { drop(); }
  |                         ^^^^^^^^^^^^^^^^^^^^
  |
  = help: `tcp.dstport` is between 0 and 65535"
    );
}

#[test]
fn a_mistake_in_a_function_shows_the_call() {
    assert_eq!(
        said(
            "fn is_ssh(port) { port == \"ssh\" }\nrule \"r\" on packet when is_ssh(tcp.dstport) { drop(); }"
        ),
        "\
error: cannot compare `tcp.dstport` (a number) with `\"ssh\"` (a string)
 --> t.rhai:1:27
  |
1 | fn is_ssh(port) { port == \"ssh\" }
  |                           ^^^^^
  |
 ::: t.rhai:2:25
  |
2 | rule \"r\" on packet when is_ssh(tcp.dstport) { drop(); }
  |                         ------------------- called here
  |
  = help: `tcp.dstport` is a number: write a number beside it"
    );
}

#[test]
fn two_rules_of_one_id_show_both_places() {
    assert_eq!(
        said(
            "rule \"a\" #{ id: 5 } on packet { log(\"1\"); }\nrule \"b\" #{ id: 5 } on packet { log(\"1\"); }"
        ),
        "\
error: \"a\" and \"b\" have the same id 5
 --> t.rhai:2:6
  |
2 | rule \"b\" #{ id: 5 } on packet { log(\"1\"); }
  |      ^^^
  |
 ::: t.rhai:1:6
  |
1 | rule \"a\" #{ id: 5 } on packet { log(\"1\"); }
  |      --- the first is here
  |
  = help: give one of them another id: `#{ id: 1001 }`"
    );
}

/// Checks what is said of conditions on packets, one remark each.
fn expect_remarks(expected: &[(&str, &str)]) {
    for (condition, expected) in expected {
        assert_eq!(remark("packet", condition), [*expected], "{condition}");
    }
}

#[test]
fn comparisons_say_what_to_do_instead() {
    expect_remarks(&[
        (
            "ip.proto == \"tcp\"",
            "\"tcp\": cannot compare `ip.proto` (an IP protocol) with `\"tcp\"` (a string) | write the name without quotes: `TCP`",
        ),
        ("ip.proto == TPC", "TPC: `TPC` is not the name of an IP protocol | did you mean `TCP`?"),
        (
            "ip.ttl == TCP",
            "TCP: `TCP` is the name of an IP protocol and means nothing here | names stand beside a field of their kind: `ip.proto == TCP`",
        ),
        (
            "ip.src == \"1.2.3.4\"",
            "\"1.2.3.4\": cannot compare `ip.src` (an address) with `\"1.2.3.4\"` (a string) | write `ip(\"1.2.3.4\")`",
        ),
        (
            "ip.src == net(\"1.0.0.0/8\")",
            "net(\"1.0.0.0/8\"): cannot compare `ip.src` (an address) with `net(\"1.0.0.0/8\")` (a network) | ask whether it is in there: `ip.src in ..`",
        ),
        (
            "ip.src in net(\"10.0.0/8\")",
            "net(\"10.0.0/8\"): `10.0.0/8` is not a network | write it as `10.0.0.0/8` or `2001:db8::/32`",
        ),
        (
            "ip.src < ip.dst",
            "<: `<` compares numbers and lengths of time, and this is an address | use `==`, `!=` or `in`",
        ),
        (
            "eth.src == \"02:00:5e:10:00:01\"",
            "\"02:00:5e:10:00:01\": cannot compare `eth.src` (a hardware address) with `\"02:00:5e:10:00:01\"` (a string) | write `mac(\"02:00:5e:10:00:01\")`",
        ),
        (
            "flow.age > 60",
            "60: cannot compare `flow.age` (a length of time) with `60` (a number) | write a length of time in quotes: `flow.age > \"60s\"`",
        ),
        (
            "flow.age > \"1x\"",
            "\"1x\": `1x` is not a length of time | write numbers with units, such as \"30s\", \"500ms\" or \"1h30m\" (ns, us, ms, s, m, h, d)",
        ),
        (
            "tcp.flags & 2 == 2",
            "&: `&` joins two numbers, not `tcp.flags` (a number) and `2 == 2` (true or false) | `==` is read before `&`: write `(tcp.flags & 2) == 2`",
        ),
        (
            "tcp.flags.syn == 1",
            "1: cannot compare `tcp.flags.syn` (true or false) with `1` (a number) | `tcp.flags.syn` is true or false by itself: write it, or `!` before it",
        ),
        ("tcp.dstport", "tcp.dstport: `tcp.dstport` is a number, not a condition | compare it: `.. == 1`"),
    ]);
}

#[test]
fn fields_and_calls_say_what_to_do_instead() {
    expect_remarks(&[
        (
            "tcp",
            "tcp: `tcp` is a group of fields | it has `tcp.srcport`, `tcp.dstport`, `tcp.seq`, `tcp.ack`, `tcp.flags`, `tcp.flags.fin`, ..",
        ),
        ("tcp.dstport.name == 1", "name: `tcp.dstport` is a number and has no `name` | -"),
        (
            "data.bytes == \"x\"",
            "data.bytes: `data.bytes` is not in this version: it comes with `tcp_data` | leave it out, or use what `packet` has today",
        ),
        (
            "server.posture.cert_expired",
            "server.posture.cert_expired: `server.posture.cert_expired` is not in this version: it comes with the prober, which learns what upstream servers offer | leave it out, or use what `packet` has today",
        ),
        (
            "rate(ip.src, 5, \"1m\")",
            "rate(ip.src, 5, \"1m\"): `rate` is not in this version: conditions have no memory yet | leave it out, or decide by fields alone",
        ),
        (
            "flow.tagged(\"x\")",
            "flow.tagged(\"x\"): `tagged` is not in this version: conditions have no memory yet | leave it out, or decide by fields alone",
        ),
        (
            "pkt.payload.matches(\"x\")",
            "pkt.payload.matches(\"x\"): `matches` is not in this version: it comes with the payload events | use `contains`, `starts_with` or `ends_with`",
        ),
        ("pkt.payload.contans(\"x\")", "contans: text has no `contans` | did you mean `contains`?"),
        (
            "pkt.payload[0] == 1",
            "pkt.payload: an index is not allowed in a condition | use `starts_with`, `contains` or `ends_with`",
        ),
        (
            "pkt.len > 1.5",
            "1: a number with a fraction is not allowed in a condition | use whole numbers, of a smaller unit if need be",
        ),
        (
            "pkt.len % 2 == 0",
            "%: `%` is not allowed in a condition | take the lowest bits: `x & 7` is the rest of a division by 8",
        ),
        ("pkt.len << 64 == 0", "64: `<<` shifts by a constant from 0 to 63 | -"),
        (
            "9223372036854775807 + 1 == pkt.len",
            "9223372036854775807 + 1: this number does not fit into 64 bits | -",
        ),
        ("hass(ip.src)", "hass: no function `hass` | did you mean `has`?"),
        ("has(ip.scr)", "ip.scr: no field `ip.scr` | did you mean `ip.src`?"),
        (
            "m::x == 1",
            "m: a module's variable is not allowed in a condition | a condition is made of fields, constants, comparisons, `in`, `&&`, `||` and `!`",
        ),
        (
            "flow.age > pkt.len",
            ">: cannot compare `flow.age` (a length of time) with `pkt.len` (a number) | -",
        ),
        ("drop()", "drop(): `drop` is an action, not a condition | actions stand in the braces after it"),
    ]);
}

#[test]
fn conditions_that_are_settled_at_load_say_why() {
    expect_remarks(&[
        ("tcp.dstport == PORT", "PORT: nothing is called `PORT` here | -"),
        (
            "tcp.dstport = 1",
            "=: the condition ends here, and `=` is not the `{` of the body | `=` sets a variable: to compare, write `==`",
        ),
        (
            "ip.df and ip.mf",
            "and: the condition ends here, and `and` is not the `{` of the body | write `&&`",
        ),
        ("tcp.dstport in 5..5", "tcp.dstport in 5..5: this can never hold | the range is empty"),
        (
            "tcp.dstport in [[1]]",
            "[1]: `tcp.dstport` (a number) cannot be in a set that holds a set | join sets with `+`: `const ALL = A + B;`",
        ),
        ("tcp.dstport in []", "[]: this can never hold: the set is empty | -"),
        ("tcp.dstport >= 0", "tcp.dstport >= 0: this holds always | `tcp.dstport` is between 0 and 65535"),
        (
            "tcp.dstport in 1..ip.ttl",
            "ip.ttl: the bounds of a range are constant numbers | compare instead: `low <= x && x <= high`",
        ),
        (
            "pkt.payload.lower().contains(\"GET\")",
            "\"GET\": this can never hold | write it in small letters: `lower()` gives no capitals",
        ),
        ("1 == 2", "1 == 2: this condition never holds | -"),
    ]);
}

#[test]
fn an_event_says_which_fields_it_has() {
    assert_eq!(
        remark("flow_close", "tcp.dstport == 1"),
        [
            "tcp.dstport: `tcp.dstport` is not there on `flow_close`, only on `packet`, `flow_open` | `flow_close` has `flow.*`"
        ]
    );
    assert_eq!(
        remark("tcp_data", "data.len > 1"),
        [format!(
            "tcp_data: the event `tcp_data` is not in this version | this version has {}",
            EventKind::ALL.map(|event| format!("`{}`", event.name())).join(", ")
        )]
    );
}

/// Each line: a file, and the messages and remedies in it.
#[test]
fn files_say_what_to_do_instead() {
    for (text, expected) in [
        ("rule r on packet { drop(); }", "1:6 a name in double quotes comes here, not `r`"),
        ("rule \"r\" packet { drop(); }", "1:10 `on EVENT` comes after the name, not `packet`"),
        ("rule \"r\" on { drop(); }", "1:13 the name of an event comes here, not `{`"),
        ("rule \"r\" on packet if true { drop(); }", "1:20 `when CONDITION` or `{` comes here, not `if`"),
        ("rule \"r\" on packet", "1:19 `when CONDITION` or `{` comes here, not the end of the file"),
        ("rule \"r on packet { drop(); }", "1:6 open string is not terminated"),
        ("rule \"\" on packet { drop(); }", "1:6 a rule needs a name"),
        ("test t { }", "1:6 a name in double quotes comes here, not `t`"),
        ("rule \"r\" #{ sevrity: 1 } on packet { drop(); }", "1:13 metadata has no `sevrity`"),
        ("rule \"r\" #{ id: 0 } on packet { drop(); }", "1:17 `id` is a number from 1 to 2147483647"),
        (
            "rule \"r\" #{ severity: \"hot\" } on packet { drop(); }",
            "1:23 `severity` is \"high\", \"medium\", \"low\", or 1 to 3",
        ),
        ("rule \"r\" #{ tags: [1] } on packet { drop(); }", "1:19 `tags` is a list of strings"),
        ("rule \"r\" on packet { bypass(); }", "1:22 the action `bypass` is not in this version"),
        ("rule \"r\" on packet { drop(1); }", "1:22 `drop` takes no argument"),
        ("rule \"r\" on packet { alert(); }", "1:22 `alert` takes one message"),
        ("rule \"r\" on packet { alert(\"x\", #{}); }", "1:33 options of `alert` are not in this version"),
        ("rule \"r\" on packet { alert(\"x\" + ip.src); }", "1:28 `\"x\"` (a string) is not a number"),
        ("rule \"r\" on packet { alert(`${ip.sr}`); }", "1:31 no field `ip.sr`"),
        (
            "rule \"r\" on packet { let x = 1; }",
            "1:22 a variable is not in this version: a body is a list of actions",
        ),
        (
            "rule \"r\" on packet { drop(); log(\"x\"); }",
            "1:30 this is never reached: the verdict before it ends the evaluation",
        ),
        ("rule \"r\" on packet { }", "1:20 this rule does nothing"),
        ("rule \"r\" on flow_close { drop(); }", "1:26 `drop` changes nothing here: the flow has ended"),
        ("import \"x\" as x;", "1:1 `import` is not in this version"),
        (
            "if true { rule \"r\" on packet { drop(); } }",
            "1:11 rules and tests stand at the top level of a file",
        ),
        (
            "const X = nett(\"10.0.0.0/8\");",
            "1:11 no function `nett (&str | ImmutableString | String)` at the top level of a file",
        ),
        ("const X = [1][5];", "1:15 array index 5 out of bounds: only 1 element in array"),
        ("const X = TPC;", "1:11 nothing is called `TPC` here"),
        ("loop { }", "1:6 the top level of this file takes too long"),
        ("sleep(1);", "1:1 no function `sleep (i64)` at the top level of a file"),
        ("fn f(x) { f(x) } rule \"r\" on packet when f(1) { drop(); }", "1:11 `f` calls itself"),
        (
            "fn f() { let x = 1; x == 1 } rule \"r\" on packet when f() { drop(); }",
            "1:54 `f` cannot be called in a condition: its body is not one expression",
        ),
        ("fn f(x) { x } rule \"r\" on packet when f() { drop(); }", "1:39 `f` takes 1 argument, not 0"),
    ] {
        let found = match RuleSet::from_source("t.rhai", text) {
            Ok(loaded) => loaded.warnings,
            Err(errors) => errors.diagnostics,
        };
        let messages: Vec<_> = found
            .iter()
            .map(|found| {
                let finding = found.finding();
                format!("{}:{} {}", finding.line.unwrap_or(0), finding.column.unwrap_or(0), finding.message)
            })
            .collect();
        assert_eq!(messages, [expected], "{text}");
    }
}

#[test]
fn functions_that_double_at_every_level_are_stopped() {
    let calls = (0..20).fold("tcp.flags.syn".to_owned(), |inner, _| format!("two({inner})"));
    let text = format!("fn two(a) {{ a && !a }} rule \"r\" on packet when {calls} {{ drop(); }}");
    assert!(said(&text).starts_with("error: this condition has more than 10000 parts"), "{}", said(&text));
}

#[test]
fn functions_that_nest_at_every_level_are_stopped() {
    let (nots, calls) =
        ("!".repeat(20), |inner: &str| (0..10).fold(inner.to_owned(), |x, _| format!("n({x})")));
    let text = format!("fn n(a) {{ {nots}a }} rule \"r\" on packet when {} {{ drop(); }}", calls("ip.df"));
    assert!(
        said(&text).starts_with("error: this condition is nested more than 128 levels deep"),
        "{}",
        said(&text)
    );
}

#[test]
fn rules_after_one_that_always_decides_are_said_to_be_in_vain_once() {
    let rules: Vec<_> = (0..5).map(|n| format!("rule \"{n}\" on packet {{ accept(); }}")).collect();
    let said = said(&rules.join("\n"));
    assert!(said.starts_with("warning: this rule is never asked, nor are 3 after it: \"0\" always decides before it\n --> t.rhai:2:6\n"), "{said}");
    assert_eq!(said.matches("warning").count(), 1);
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = format!("{}1 == 1{}", "(".repeat(5_000), ")".repeat(5_000));
    let text = format!("rule \"r\" on packet when {deep} {{ drop(); }}");
    assert!(said(&text).starts_with("error: expression exceeds maximum complexity"), "{}", said(&text));
}

#[test]
fn a_top_level_that_runs_wild_is_stopped() {
    for wild in [
        "loop { }",
        "let a = []; loop { a = [a]; }",
        "let a = #{}; loop { a = #{ a: a }; }",
        "let a = []; loop { a.push(a); }",
        "let a = \"x\"; loop { a += a; }",
        "let a = \"\"; a.pad(1000000000, \"x\");",
        "let a = []; a.pad(1000000000, 1);",
        "let a = blob(1000000000, 0);",
        "fn f(x) { f(x + 1) } f(0);",
        "fn f(x) { f(x) + f(x) } f(0);",
        "let a = [1, 2, 3]; loop { a += a; }",
        "let n = 0; for x in 0..1000000000000 { for y in 0..1000000000 { n += 1; } }",
    ] {
        let said = said(wild);
        assert!(said.starts_with("error: "), "{wild}: {said}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_broken_to_be_told_about(words in prop::collection::vec(prop::sample::select(SOUP), 0..40)) {
        said(&words.join(" "));
        said(&format!("rule \"r\" on packet when {} {{ drop(); }}", words.join("")));
    }
}

/// Words of the language, and what may stand between them by mistake.
const SOUP: &[&str] = &[
    "rule",
    "test",
    "on",
    "when",
    "packet",
    "flow_open",
    "\"é\"",
    "\"",
    "`",
    "`${",
    "}`",
    "${ip.src}",
    "#{",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ":",
    "id",
    "tags",
    "severity",
    "const",
    "let",
    "fn",
    "f",
    "x",
    "if",
    "import",
    "as",
    "==",
    "=",
    "!",
    "!in",
    "in",
    "&&",
    "||",
    "&",
    "..",
    "..=",
    "<<",
    "-",
    "+",
    "*",
    "/",
    "?.",
    "??",
    "::",
    ".",
    "ip.src",
    "tcp.dstport",
    "tcp.flags.syn",
    "flow.age",
    "pkt.payload",
    ".len",
    ".lower()",
    ".contains(",
    "has(",
    "net(\"10.0.0.0/8\")",
    "ip(\"é\")",
    "TCP",
    "FOO",
    "1",
    "-9223372036854775807",
    "99999999999999999999",
    "1.5",
    "0x1f",
    "'c'",
    "'",
    "true",
    "drop();",
    "alert(\"x\");",
    "\n",
    "\r\n",
    "\t",
    "// é",
    "/*",
    "*/",
    "é",
    "\u{feff}",
    "\0",
    "this",
    "global::X",
    "|a|",
    "=>",
];
