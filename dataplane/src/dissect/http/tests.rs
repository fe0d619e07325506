//! Connections: what is told of them, whichever way their bytes are cut.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use super::*;
use crate::anomaly::Anomaly;
use crate::app_proto::AppProto;
use crate::dissect::{Dissector, Fact, Listener, Progress, Record};
use crate::flow::Direction::{self, Down, Up};

/// What is said, in order.
type Talk<'a> = &'a [(Direction, &'a [u8])];

/// What was heard; parts of a body are put together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ear {
    said: Vec<String>,
    body: Vec<u8>,
    odd: Vec<Anomaly>,
}

impl Listener for Ear {
    fn fact(&mut self, direction: Direction, fact: Fact<'_>) {
        let text = match fact {
            Fact::HttpRequest(facts) => {
                let request = facts.request.unwrap();
                format!("{direction:?} {} {}", request.method(), request.target())
            }
            Fact::HttpResponse(facts) => {
                let asked = facts.request.map_or("?", Request::target);
                format!("{direction:?} {} to {asked}", facts.response.unwrap().status_text())
            }
            Fact::HttpBody(facts) => {
                let part = facts.body.as_ref().unwrap();
                self.body.extend_from_slice(part.bytes);
                if !part.is_last {
                    return;
                }
                let form = part.form().map(|form| format!(", form {form}")).unwrap_or_default();
                let body = std::mem::take(&mut self.body);
                format!("{direction:?} body {}{form}", String::from_utf8_lossy(&body))
            }
            Fact::Login(login) => format!("{direction:?} login {:?}", login.user),
            Fact::File(_) => return,
            other => format!("{direction:?} {other:?}"),
        };
        self.said.push(text);
    }

    fn record(&mut self, direction: Direction, record: Record) {
        self.said.push(match record {
            Record::Http(http) => {
                let asked = http.request.map_or("?".to_owned(), |request| request.target().to_owned());
                let answered =
                    http.response.map_or("?".to_owned(), |response| response.status_text().to_owned());
                let (up, down) = (http.request_len, http.response_len);
                format!("{direction:?} #{} {asked} {up} {answered} {down}", http.id)
            }
            Record::File(file) => {
                let facts = file.facts;
                format!("{direction:?} file {} {} {}", facts.name, facts.size, facts.state.name())
            }
            other => format!("{direction:?} {other:?}"),
        });
    }

    fn anomaly(&mut self, _: Direction, anomaly: Anomaly) {
        self.odd.push(anomaly);
    }
}

/// What is heard of a talk in pieces of so many bytes.
fn hear(talk: Talk<'_>, piece: usize) -> (Ear, Progress) {
    let (mut http, mut ear, mut progress) = (Http::new(), Ear::default(), Progress::More);
    for (direction, bytes) in talk {
        for bytes in bytes.chunks(piece) {
            if progress == Progress::More {
                progress = http.bytes(*direction, bytes, &mut ear);
            }
        }
    }
    for direction in [Up, Down] {
        if progress == Progress::More {
            progress = http.end(direction, &mut ear);
        }
    }
    http.close(&mut ear);
    (ear, progress)
}

/// What is said, and what is odd; the same however it is cut.
fn said(talk: Talk<'_>) -> (Vec<String>, Vec<Anomaly>) {
    let (ear, progress) = hear(talk, usize::MAX);
    for piece in [1, 2, 3, 7] {
        let (cut, cut_progress) = hear(talk, piece);
        assert_eq!(cut, ear, "in pieces of {piece}");
        assert_eq!(std::mem::discriminant(&cut_progress), std::mem::discriminant(&progress));
    }
    (ear.said, ear.odd)
}

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn a_request_and_its_response_are_one_record() {
    let (said, odd) = said(&[(Up, GET), (Down, OK)]);
    assert_eq!(
        said,
        ["Up GET /a", "Down 200 to /a", "Down body hello", "Down file /a 5 CLOSED", "Up #0 /a 0 200 5",]
    );
    assert_eq!(odd, []);
}

#[test]
fn pipelined_requests_are_matched_in_order() {
    let asked = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n";
    let answered =
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\
        HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n";
    let (said, odd) = said(&[(Up, asked), (Down, answered)]);
    let records: Vec<_> = said.iter().filter(|line| line.contains('#')).collect();
    assert_eq!(records, ["Up #0 /1 0 200 1", "Up #1 /2 0 200 0", "Up #2 /3 0 304 0"]);
    assert_eq!(odd, []);
}

#[test]
fn chunks_trailers_and_forms_are_put_together() {
    let post =
        b"POST /f HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded; charset=x\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n5;x=y\r\n+%41&\r\n0\r\nTrailer: z\r\n\r\n";
    let (said, odd) = said(&[(Up, post), (Down, OK)]);
    assert_eq!(said[1], "Up body a=b+%41&, form a=b A&");
    assert_eq!(said.last().unwrap(), "Up #0 /f 39 200 5");
    assert_eq!(odd, []);
}

#[test]
fn files_of_a_form_are_told_one_by_one() {
    for end in ["--b--\r\n", "--b--"] {
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nno file\r\n--b\r\n\
             Content-Disposition: form-data; name=\"y\"; filename=\"a.bin\"\r\n\r\n12\r\n345\r\n{end}"
        );
        let post = format!(
            "POST /f HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let (told, odd) = said(&[(Up, post.as_bytes()), (Down, OK)]);
        assert!(told.contains(&"Up file a.bin 7 CLOSED".to_owned()), "{told:?}");
        assert_eq!(
            told.iter().filter(|line| line.contains("file ") && line.starts_with("Up file")).count(),
            1
        );
        assert_eq!(odd, []);
    }
}

#[test]
fn a_form_of_too_many_files_is_told_in_part() {
    let part = "--b\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n";
    let form = part.repeat(FORM_FILES_MAX + 1) + "--b--";
    let post = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let (told, odd) = said(&[(Up, post.as_bytes())]);
    assert_eq!(told.iter().filter(|line| line.starts_with("Up file")).count(), FORM_FILES_MAX);
    assert_eq!(odd, [Anomaly::HttpMultipartGenericError]);
}

#[test]
fn a_body_may_last_until_the_end() {
    let (said, odd) = said(&[(Up, GET), (Down, b"HTTP/1.0 200 OK\r\n\r\nall of "), (Down, b"it")]);
    assert_eq!(said[2], "Down body all of it");
    assert_eq!(said.last().unwrap(), "Up #0 /a 0 200 9");
    assert_eq!(odd, []);
}

#[test]
fn interim_responses_are_followed_by_the_response() {
    let post = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let answered =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 Done\r\n\r\n";
    let (told, odd) = said(&[(Up, post), (Up, b"ab"), (Down, answered)]);
    assert_eq!(told.last().unwrap(), "Up #0 / 2 204 0");
    assert_eq!(odd, []);
    let (_, odd) = said(&[(Up, GET), (Down, b"HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 b\r\n\r\n"), (Down, OK)]);
    assert_eq!(odd, [Anomaly::Http100ContinueAlreadySeen]);
}

#[test]
fn a_refused_body_is_not_waited_for() {
    let post = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 200\r\n\r\n";
    let (said, _) =
        said(&[(Up, post), (Down, b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"), (Up, GET), (Down, OK)]);
    assert!(
        said.contains(&"Up #0 / 0 417 0".to_owned()) && said.contains(&"Up GET /a".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_body_that_may_not_be_there_is_one_if_no_message_follows() {
    let (told, odd) = said(&[(Up, GET), (Down, b"HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\nhello")]);
    assert_eq!(told[2], "Down body hello");
    assert_eq!(odd, [Anomaly::HttpResponseBodyUnexpected]);
    let quiet = b"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n";
    let (told, odd) = said(&[(Up, GET), (Down, quiet), (Up, GET), (Down, OK)]);
    assert_eq!(told[2], "Up #0 /a 0 304 0", "the next request shows that nothing follows");
    assert_eq!(odd, []);
}

#[test]
fn what_is_no_message_before_a_response_is_passed_over_or_is_its_body() {
    let (told, odd) = said(&[(Up, GET), (Down, b"junk\r\n"), (Down, OK)]);
    assert_eq!(told.last().unwrap(), "Up #0 /a 0 200 5");
    assert_eq!(odd, [Anomaly::HttpResponseLineInvalidProtocol]);
    let (told, _) = said(&[(Up, b"GET /old\r\n"), (Down, b"<html>\r\nHi\r\n")]);
    assert_eq!(
        told,
        ["Up GET /old", "Down body <html>\r\nHi\r\n", "Down file /old 12 CLOSED", "Up #0 /old 0  12"]
    );
}

#[test]
fn a_tunnel_becomes_what_is_in_it() {
    let asked = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    let (mut http, mut ear) = (Http::new(), Ear::default());
    assert_eq!(http.bytes(Up, asked, &mut ear), Progress::More);
    let progress = http.bytes(Down, b"HTTP/1.1 200 Yes\r\n\r\n\x16\x03", &mut ear);
    assert_eq!(progress, Progress::Becomes { next: None, unread: 2 });
    assert_eq!(ear.said.last().unwrap(), "Up #0 a.example:443 0 200 0");

    let (mut http, mut ear) = (Http::new(), Ear::default());
    http.bytes(Up, asked, &mut ear);
    let refused = b"HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno";
    assert_eq!(http.bytes(Down, refused, &mut ear), Progress::More);
    assert_eq!(http.bytes(Up, GET, &mut ear), Progress::More);
    assert_eq!(ear.said.last().unwrap(), "Up GET /a", "a refused tunnel goes on as before");
}

#[test]
fn requests_behind_one_for_a_tunnel_are_seen_once_it_is_refused() {
    let asked = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n\
        GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let refused = b"HTTP/1.1 405 No\r\nContent-Length: 2\r\n\r\nno";
    let (said, odd) = said(&[(Up, asked), (Down, refused), (Down, OK)]);
    assert!(said.contains(&"Up GET /hidden".to_owned()), "{said:?}");
    assert_eq!(said.last().unwrap(), "Up #1 /hidden 0 200 5");
    assert_eq!(odd, []);
}

#[test]
fn requests_are_seen_behind_a_tunnel_whose_answer_was_lost() {
    let (mut http, mut ear) = (Http::new(), Ear::default());
    http.bytes(Up, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", &mut ear);
    http.gap(Down, 100, &mut ear);
    http.bytes(Up, GET, &mut ear);
    assert_eq!(ear.said.last().unwrap(), "Up GET /a");
}

#[test]
fn what_is_sent_early_is_bounded_and_what_is_behind_it_found() {
    let (mut http, mut ear) = (Http::new(), Ear::default());
    http.bytes(Up, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", &mut ear);
    let before = http.held();
    for _ in 0..100 {
        http.bytes(Up, &[b'x'; 1000], &mut ear);
    }
    assert!(http.held() - before <= HEAD_MAX, "{}", http.held());
    http.bytes(Down, b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n", &mut ear);
    http.bytes(Up, &[b"\r\n", GET].concat(), &mut ear);
    assert_eq!(ear.said.last().unwrap(), "Up GET /a");
}

#[test]
fn responses_that_nobody_asked_for_are_told_while_a_request_goes_on() {
    let (mut http, mut ear) = (Http::new(), Ear::default());
    http.bytes(Up, b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1234", &mut ear);
    for _ in 0..20 * PIPELINE_MAX {
        http.bytes(Down, b"HTTP/1.1 204 No\r\n\r\n", &mut ear);
        assert!(http.waiting.len() <= PIPELINE_MAX);
    }
    http.bytes(Up, b"56789", &mut ear);
    assert!(ear.said.contains(&"Up body 123456789".to_owned()));
    assert!(ear.said.contains(&"Up #0 /up 9 204 0".to_owned()));
}

#[test]
fn what_rules_have_read_of_a_request_is_memory_that_it_takes() {
    let head = format!("GET /a?{0} HTTP/1.1\r\nCookie: {0}\r\n\r\n", "x".repeat(5000));
    let request = Request::read(head.as_bytes(), &mut oddity::Oddities::default());
    let mut size = request.size();
    let reads: [fn(&Request) -> usize; 4] = [
        |request| request.query().map_or(0, str::len),
        |request| request.args().map_or(0, str::len),
        |request| request.cookies().map_or(0, str::len),
        |request| request.headers().len(),
    ];
    for read in reads {
        assert!(read(&request) >= 5000);
        assert!(request.size() >= size + 5000);
        size = request.size();
    }
}

#[test]
fn an_upgrade_becomes_what_it_says() {
    for (upgrade, next) in
        [("websocket", Some(AppProto::Websocket)), ("h2c", Some(AppProto::Http2)), ("other/1", None)]
    {
        let (mut http, mut ear) = (Http::new(), Ear::default());
        http.bytes(Up, GET, &mut ear);
        let answer =
            format!("HTTP/1.1 101 Switching\r\nUpgrade: {upgrade}\r\nConnection: Upgrade\r\n\r\nxyz");
        let progress = http.bytes(Down, answer.as_bytes(), &mut ear);
        assert_eq!(progress, Progress::Becomes { next, unread: 3 }, "{upgrade}");
    }
}

#[test]
fn a_flow_met_in_its_middle_is_read_by_what_is_said() {
    let (told, odd) = said(&[(Up, OK), (Down, GET), (Up, OK)]);
    assert!(
        told.contains(&"Down #0 ? 0 200 5".to_owned()) && told.contains(&"Down #1 /a 0 200 5".to_owned()),
        "{told:?}"
    );
    assert_eq!(odd, [Anomaly::HttpUnableToMatchResponseToRequest]);
    let (_, odd) = said(&[(Down, OK), (Up, GET), (Down, OK)]);
    assert_eq!(odd, [Anomaly::HttpUnableToMatchResponseToRequest]);
}

#[test]
fn credentials_are_told_without_the_password() {
    let (told, _) = said(&[(Up, b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dGVzdDoxOjM0\r\n\r\n")]);
    assert_eq!(told[1], "Up login Some(\"test\")");
    let (_, odd) = said(&[(Up, b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: basic ???\r\n\r\n")]);
    assert_eq!(odd, [Anomaly::HttpRequestAuthUnrecognized]);
}

#[test]
fn a_smuggled_request_is_seen_and_said() {
    let asked =
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let (told, odd) = said(&[(Up, asked)]);
    assert!(told.contains(&"Up GET /hidden".to_owned()), "{told:?}");
    assert!(odd.contains(&Anomaly::HttpInvalidContentLengthFieldInRequest));
    let asked =
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
        GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let (told, odd) = said(&[(Up, asked)]);
    assert!(told.contains(&"Up GET /hidden".to_owned()), "{told:?}");
    assert_eq!(odd, [Anomaly::HttpRequestSmuggling]);
}

#[test]
fn where_chunks_were_said_and_none_come_the_body_is_read_plain() {
    let plain = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nworld";
    let (told, odd) = said(&[(Up, GET), (Down, plain), (Up, GET), (Down, OK)]);
    assert_eq!(told[2], "Down body world");
    assert!(told.contains(&"Up #1 /a 0 200 5".to_owned()), "{told:?}");
    assert_eq!(odd, [Anomaly::HttpResponseSmuggling, Anomaly::HttpInvalidResponseChunkLen]);
}

#[test]
fn a_gap_in_a_body_is_passed_by_its_length() {
    let (mut http, mut ear) = (Http::new(), Ear::default());
    http.bytes(Up, GET, &mut ear);
    http.bytes(Down, b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", &mut ear);
    http.gap(Down, 45, &mut ear);
    http.bytes(Up, GET, &mut ear);
    http.bytes(Down, OK, &mut ear);
    http.close(&mut ear);
    assert!(ear.said.contains(&"Down file /a 50 TRUNCATED".to_owned()), "{:?}", ear.said);
    assert!(ear.said.contains(&"Up #0 /a 0 200 50".to_owned()), "{:?}", ear.said);
    assert!(ear.said.contains(&"Up #1 /a 0 200 5".to_owned()), "{:?}", ear.said);
    assert_eq!(ear.odd, []);
}

#[test]
fn a_gap_beyond_a_body_loses_one_response_and_the_next_is_found() {
    let (mut http, mut ear) = (Http::new(), Ear::default());
    for path in ["/1", "/2", "/3"] {
        http.bytes(Up, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), &mut ear);
    }
    http.bytes(Down, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", &mut ear);
    http.gap(Down, 30, &mut ear);
    http.bytes(Down, b"what is left of a body", &mut ear);
    http.bytes(Down, OK, &mut ear);
    http.close(&mut ear);
    let records: Vec<_> = ear.said.iter().filter(|line| line.contains('#')).collect();
    assert_eq!(records, ["Up #0 /1 0 200 5", "Up #1 /2 0 ? 0", "Up #2 /3 0 200 5"]);
}

#[test]
fn a_gap_in_a_request_is_followed_by_the_next() {
    let (mut http, mut ear) = (Http::new(), Ear::default());
    http.bytes(Up, b"POST /1 HTTP/1.1\r\nHost: x\r\nCont", &mut ear);
    http.gap(Up, 1000, &mut ear);
    http.bytes(Up, b"a=b&c=dGET /2 HTTP/1.1\r\nHost: x\r\n\r\n", &mut ear);
    http.bytes(Down, OK, &mut ear);
    http.bytes(Down, OK, &mut ear);
    let records: Vec<_> = ear.said.iter().filter(|line| line.contains('#')).collect();
    assert_eq!(records, ["Up #0 ? 0 200 5", "Up #1 /2 0 200 5"]);
    assert_eq!(ear.odd, []);
}

#[test]
fn data_behind_the_last_message_are_odd() {
    let last = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhelloback\r\nmore\r\n";
    let (told, odd) = said(&[(Up, GET), (Down, last)]);
    assert_eq!(told.last().unwrap(), "Up #0 /a 0 200 5");
    assert!(odd.contains(&Anomaly::HttpResponseDataAfterClose), "{odd:?}");
    let (_, odd) = said(&[(Up, b"GET /a HTTP/1.0\r\n\r\n"), (Up, GET)]);
    assert_eq!(odd, [Anomaly::HttpRequestDataAfterClose]);
}

#[test]
fn what_is_no_http_is_given_up() {
    let (mut http, mut ear) = (Http::new(), Ear::default());
    let mut progress = Progress::More;
    for _ in 0..3000 {
        if progress == Progress::More {
            progress = http.bytes(Up, b"\x01\x02\x03 nothing that anybody knows \x04\r\n....", &mut ear);
            assert!(http.held() < 4 * LINE_MAX);
        }
    }
    assert_eq!(progress, Progress::NotMine);
    assert_eq!(ear.said, Vec::<String>::new());
}

#[test]
fn memory_stays_within_its_limits_whatever_comes() {
    const MEMORY_MAX: usize = 1 << 20;
    let endless: &[&[u8]] = &[
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x",
        b"a: b\r\n",
        b"a\n",
        b"\r\n \r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;aaaaaaaa",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999\r\n\r\naaa",
        b"x",
        b"\0",
    ];
    for &first in endless {
        for &second in endless {
            for direction in [Up, Down] {
                let (mut http, mut ear) = (Http::new(), Ear::default());
                let mut progress = http.bytes(direction, first, &mut ear);
                for _ in 0..20_000 / second.len().min(64) {
                    if progress == Progress::More {
                        progress = http.bytes(direction, second, &mut ear);
                        ear.said.clear();
                        ear.body.clear();
                        assert!(http.held() < MEMORY_MAX, "{} of {first:?} {second:?}", http.held());
                    }
                }
            }
        }
    }
}
