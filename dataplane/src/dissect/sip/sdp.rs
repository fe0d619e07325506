//! Descriptions of sessions (SDP, RFC 8866): lines of a letter and a value.
//!
//! Values are kept as they are written. Lines out of their order are taken where
//! their letter has a meaning; what is unknown is left out.

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sdp {
    /// `o=`: who describes it.
    pub origin: String,
    /// `s=`: its name.
    pub name: String,
    /// `i=`: more about it.
    pub info: Option<String>,
    /// `u=`: where to read about it.
    pub uri: Option<String>,
    /// `e=`: whom to write to.
    pub email: Option<String>,
    /// `p=`: whom to call.
    pub phone: Option<String>,
    /// `c=`: to which address media goes.
    pub connection: Option<String>,
    /// `b=`: how much is sent.
    pub bandwidths: Vec<String>,
    /// `t=` with `r=`: when it is.
    pub times: Vec<TimeDescription>,
    /// `z=`: changes of the clock.
    pub time_zone: Option<String>,
    /// `k=`: a key, or how to come by it.
    pub encryption_key: Option<String>,
    /// `a=`: all else.
    pub attributes: Vec<String>,
    /// `m=`: what is sent.
    pub media: Vec<Media>,
}

/// When a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeDescription {
    /// `t=`: from and to, in seconds since 1900.
    pub time: String,
    /// `r=`: how it repeats.
    pub repeat: Option<String>,
}

/// One stream of media.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// `m=`: kind, port, transport, formats.
    pub media: String,
    /// `i=`: its title.
    pub info: Option<String>,
    /// `b=`: how much is sent.
    pub bandwidths: Vec<String>,
    /// `c=`: to which address it goes.
    pub connection: Option<String>,
    /// `k=`: a key, or how to come by it.
    pub encryption_key: Option<String>,
    /// `a=`: all else.
    pub attributes: Vec<String>,
}

impl Sdp {
    /// From a body; `None` where its first line is not the version.
    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        let lines = body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut lines = lines.filter_map(|line| match line {
            [letter, b'=', value @ ..] => Some((*letter, value)),
            _ => None,
        });
        lines.next().filter(|line| *line == (b'v', b"0"))?;
        let mut sdp = Self::default();
        for (letter, value) in lines {
            sdp.line(letter, String::from_utf8_lossy(value).into_owned());
        }
        Some(sdp)
    }

    fn line(&mut self, letter: u8, value: String) {
        if letter == b'm' {
            self.media.push(Media { media: value, ..Media::default() });
            return;
        }
        if let Some(media) = self.media.last_mut() {
            match letter {
                b'i' => media.info = Some(value),
                b'b' => media.bandwidths.push(value),
                b'c' => media.connection = Some(value),
                b'k' => media.encryption_key = Some(value),
                b'a' => media.attributes.push(value),
                _ => {}
            }
            return;
        }
        match letter {
            b'o' => self.origin = value,
            b's' => self.name = value,
            b'i' => self.info = Some(value),
            b'u' => self.uri = Some(value),
            b'e' => self.email = Some(value),
            b'p' => self.phone = Some(value),
            b'c' => self.connection = Some(value),
            b'b' => self.bandwidths.push(value),
            b't' => self.times.push(TimeDescription { time: value, repeat: None }),
            b'r' => {
                if let Some(time) = self.times.last_mut() {
                    time.repeat = Some(value);
                }
            }
            b'z' => self.time_zone = Some(value),
            b'k' => self.encryption_key = Some(value),
            b'a' => self.attributes.push(value),
            _ => {}
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    const SAMPLE: &[u8] =
        b"v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=call\r\ni=about\r\nu=https://example.com\r\n\
        e=a@example.com\r\np=+1 555\r\nc=IN IP4 192.0.2.1\r\nb=AS:64\r\nt=1 2\r\nr=604800 3600\r\nz=1 -1h\r\n\
        k=prompt\r\na=sendrecv\r\nm=audio 30000 RTP/AVP 0 8\r\ni=voice\r\nc=IN IP4 192.0.2.2\r\nb=AS:32\r\n\
        k=clear:x\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\nm=video 30002 RTP/AVP 31\r\n";

    #[test]
    fn decodes_each_line_where_it_belongs() {
        let sdp = Sdp::decode(SAMPLE).unwrap();
        assert_eq!((&*sdp.origin, &*sdp.name), ("alice 1 2 IN IP4 192.0.2.1", "call"));
        let session = [&sdp.info, &sdp.uri, &sdp.email, &sdp.phone, &sdp.connection, &sdp.time_zone];
        let expected =
            ["about", "https://example.com", "a@example.com", "+1 555", "IN IP4 192.0.2.1", "1 -1h"];
        assert_eq!(session.map(|value| value.as_deref()), expected.map(Some));
        assert_eq!(sdp.times, [TimeDescription { time: "1 2".into(), repeat: Some("604800 3600".into()) }]);
        assert_eq!(
            (&sdp.bandwidths[..], &sdp.attributes[..]),
            (&["AS:64".into()][..], &["sendrecv".into()][..])
        );
        assert_eq!((sdp.encryption_key.as_deref(), sdp.media.len()), (Some("prompt"), 2));
        let audio = Media {
            media: "audio 30000 RTP/AVP 0 8".into(),
            info: Some("voice".into()),
            bandwidths: vec!["AS:32".into()],
            connection: Some("IN IP4 192.0.2.2".into()),
            encryption_key: Some("clear:x".into()),
            attributes: vec!["rtpmap:0 PCMU/8000".into(), "ptime:20".into()],
        };
        assert_eq!(sdp.media[0], audio);
    }

    #[test]
    fn what_begins_otherwise_is_none() {
        assert_eq!(Sdp::decode(b"o=alice\r\nv=0\r\n"), None);
        assert_eq!(Sdp::decode(b"v=1\r\n"), None);
        assert_eq!(Sdp::decode(b""), None);
        assert_eq!(Sdp::decode(b"v=0\nr=1\nx=y\n=\nqq"), Some(Sdp::default()));
    }
}
