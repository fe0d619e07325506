//! Mails and forms of our own making, however they are cut.

#![expect(clippy::indexing_slicing, reason = "tests")]

use super::*;

/// What is told, as lines: `depth type name file_name` and a star for containers,
/// `= content`, `.` for a complete end and `!` for one that is not.
fn told(mut mime: Mime, bytes: &[u8], cut: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut content: Option<Vec<u8>> = None;
    let mut on = |event: Event<'_>| {
        if let Event::Bytes(bytes) = event {
            return content.get_or_insert_default().extend_from_slice(bytes);
        }
        if let Some(content) = content.take() {
            lines.push(format!("= {}", String::from_utf8_lossy(&content)));
        }
        lines.push(match event {
            Event::Head(head) => format!(
                "{}{} {} {} {}",
                head.depth,
                if head.is_container { "*" } else { "" },
                head.content_type().unwrap_or_default(),
                head.name().unwrap_or_default(),
                head.file_name().unwrap_or_default(),
            ),
            Event::Gap(len) => format!("gap {len}"),
            Event::End { is_complete } => (if is_complete { "." } else { "!" }).into(),
            Event::Bytes(_) => return,
        });
    };
    for piece in bytes.chunks(cut) {
        mime.feed(piece, &mut on);
        assert!(mime.held() <= HELD_MAX);
    }
    mime.end(&mut on);
    lines
}

/// The same is told of pieces of any length.
fn assert_told(mime: fn() -> Mime, bytes: &[u8], expected: &[&str]) {
    for cut in (1..=bytes.len().min(40)).chain([bytes.len().max(1)]) {
        assert_eq!(told(mime(), bytes, cut), expected, "cut at {cut}");
    }
}

fn form() -> Mime {
    Mime::form(b"b")
}

#[test]
fn a_form_tells_its_fields_and_files() {
    let body = b"--b\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\n1\r\n\
        --b\r\nContent-Disposition: form-data; name=\"two\"; filename=\"C:\\a.exe\"\r\n\
        Content-Type: application/x-thing\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        aGVs\r\n--bc\r\n\r\n-\n--\r\n--b--\r\nepilogue\r\n--b\r\n";
    assert_told(
        form,
        body,
        &["0  one ", "= 1", ".", "0 application/x-thing two C:\\a.exe", "= aGVs\r\n--bc\r\n\r\n-\n--", "."]
            .map(|line| line.replacen("0 ", "1 ", 1))
            .each_ref()
            .map(|line| &**line),
    );
}

#[test]
fn lines_may_end_with_lf_alone_and_delimiters_have_blanks_behind_them() {
    assert_told(form, b"preamble\n--b \t\nA: b\n\nx\ry\n--b--", &["1   ", "= x\ry", "."]);
    assert_told(form, b"--b\n\n\n--b\n\n--b\n\n\r", &["1   ", ".", "1   ", ".", "1   ", "= \r", "!"]);
}

#[test]
fn a_form_that_is_torn_says_so() {
    assert_told(form, b"--b\r\n\r\ncontent\r\n--", &["1   ", "= content\r\n--", "!"]);
    assert_told(form, b"--b\r\nContent-Disposition: x; name=y", &["1  y ", "!"]);
    assert_told(form, b"nothing\r\n", &[]);
    assert_told(form, b"", &[]);
}

#[test]
fn a_mail_of_one_part_is_decoded() {
    let mail = b"Subject: x\r\nContent-Type: Text/Plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BCn=\r\n er\r\n--b\r\n";
    assert_told(Mime::mail, mail, &["0 text/plain  ", "= gr\u{fc}n er\r\n--b\r\n", "."]);
}

#[test]
fn a_mail_tells_what_is_nested_in_it() {
    let mail = b"Content-Type: multipart/mixed;\r\n boundary=\"out\"\r\n\r\nThis is MIME.\r\n\
        --out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n\
        --in\r\n\r\nplain\r\n--in\r\nContent-Type: text/html\r\n\r\n<p>\r\n\
        --out\r\nContent-Type: application/pdf; name=\"=?utf-8?q?gr=C3=BCn.pdf?=\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\nLjc=\r\n\
        --out\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninner\r\n--out--\r\n";
    assert_told(
        Mime::mail,
        mail,
        &[
            "0* multipart/mixed  ",
            "1* multipart/alternative  ",
            "2   ",
            "= plain",
            ".",
            "2 text/html  ",
            "= <p>",
            ".",
            "1 application/pdf  gr\u{fc}n.pdf",
            "= %PDF-1.7",
            ".",
            "1* message/rfc822  ",
            "2   ",
            "= inner",
            ".",
        ],
    );
}

#[test]
fn a_gap_is_told_and_the_next_delimiter_found() {
    let mut mime = Mime::form(b"b");
    let mut lines = Vec::new();
    let mut on = |event: Event<'_>| lines.push(format!("{event:?}"));
    mime.feed(b"--b\r\n\r\nsome\r\n--", &mut on);
    mime.gap(7, &mut on);
    mime.feed(b"b\r\nmore\r\n--b--", &mut on);
    mime.end(&mut on);
    assert!(lines[0].starts_with("Head"));
    assert_eq!(lines[2], format!("{:?}", Event::Bytes(b"\r\n--")));
    assert_eq!(lines[3], "Gap(7)");
    assert_eq!(lines[4], format!("{:?}", Event::Bytes(b"b\r\nmore")));
    assert_eq!(lines[5], "End { is_complete: true }");
}

#[test]
fn nesting_is_bounded() {
    let mut mail = Vec::new();
    for level in 0..100 {
        mail.extend(
            format!("Content-Type: multipart/mixed; boundary=l{level}x\r\n\r\n--l{level}x\r\n").bytes(),
        );
    }
    mail.extend_from_slice(b"\r\nend\r\n");
    let mut mime = Mime::mail();
    let mut deepest = 0;
    mime.feed(&mail, &mut |event| {
        if let Event::Head(head) = event {
            deepest = deepest.max(head.depth);
        }
    });
    assert_eq!((deepest, mime.is_too_deep()), (DEPTH_MAX, true));
    let mut mime = Mime::mail();
    let mut heads = 0;
    mime.feed(&b"Content-Type: message/rfc822\n\n".repeat(100), &mut |event| {
        heads += usize::from(matches!(event, Event::Head(_)));
    });
    assert_eq!((heads, mime.is_too_deep()), (DEPTH_MAX + 1, true));
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let lines: [&[u8]; 6] = [
        b"--b",
        b"--b\r\n",
        b"-",
        b"\r\n",
        b"a: b\r\n",
        b"Content-Type: multipart/x; boundary=\"b\"\r\n\r\n",
    ];
    for (first, second) in lines.iter().flat_map(|first| lines.map(|second| (first, second))) {
        for start in [form, Mime::mail] {
            let mut mime = start();
            for _ in 0..2000 {
                for piece in [*first, second, &[b' '; 200]] {
                    mime.feed(piece, &mut |_| {});
                    assert!(mime.held() <= HELD_MAX, "{} {:?}", mime.held(), mime.place);
                }
            }
        }
    }
}
