//! One sender's conversation: handshake, commands, then media. No I/O.

use super::aggregate::parts;
use super::amf::{Value, Writer, read};
use super::chunks::{ChunkError, Chunks, Message, write};
use crate::live::address::StreamKey;

/// Bytes of each part of the handshake but its version (RTMP 5.2).
const GREETING: usize = 1536;
/// Largest message of somebody who has not shown the key: commands have some hundred bytes.
const STRANGER: usize = 16 << 10;
/// Largest message of a sender: an intra frame.
const SENDER: usize = 16 << 20;
/// Bytes after which either side says how many it has.
const WINDOW: u32 = 2_500_000;
/// The one stream that a connection gets.
const STREAM: u32 = 1;

/// How an FLV file begins: its head for audio and video, and the size of the tag before the first.
pub(super) const FLV_HEAD: &[u8] = &[b'F', b'L', b'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];

/// What follows from what was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// Bytes for the sender.
    Send(Vec<u8>),
    /// It knows the key and wants to send: [`Session::accept`] or [`Session::refuse`].
    Publish,
    /// A tag of FLV.
    Tag(Vec<u8>),
    /// It is done, or was told to go.
    End,
}

/// All that follows, and why nothing more will.
pub(super) struct Outs {
    pub outs: Vec<Out>,
    pub failed: Option<ChunkError>,
}

pub(super) struct Session {
    app: String,
    key: StreamKey,
    greeting: Option<Vec<u8>>,
    chunks: Chunks,
    /// Whether it named our application.
    connected: bool,
    publishing: bool,
    received: u32,
    acknowledged: u32,
    window: u32,
}

impl Session {
    pub fn new(app: String, key: StreamKey) -> Self {
        Self {
            app,
            key,
            greeting: Some(Vec::new()),
            chunks: Chunks::new(STRANGER),
            connected: false,
            publishing: false,
            received: 0,
            acknowledged: 0,
            window: WINDOW,
        }
    }

    /// Whether the handshake is over.
    pub fn is_greeted(&self) -> bool {
        self.greeting.is_none()
    }

    /// Takes what came.
    pub fn take(&mut self, bytes: &[u8]) -> Outs {
        let mut outs = Vec::new();
        let failed = self.read(bytes, &mut outs).err();
        Outs { outs, failed }
    }

    fn read(&mut self, bytes: &[u8], outs: &mut Vec<Out>) -> Result<(), ChunkError> {
        self.received = self.received.wrapping_add(bytes.len() as u32);
        match &mut self.greeting {
            None => self.chunks.feed(bytes),
            Some(greeting) => {
                let before = greeting.len();
                greeting.extend_from_slice(bytes);
                if let Some(&version) = greeting.first().filter(|&&version| version != 3) {
                    return Err(ChunkError::Version(version));
                }
                // Version and first part are answered with version, our first part, and theirs again.
                if before <= GREETING && greeting.len() > GREETING {
                    let theirs = &greeting[1..=GREETING];
                    let ours = [0; GREETING];
                    outs.push(Out::Send([&[3], &ours[..], theirs].concat()));
                }
                if greeting.len() < 1 + 2 * GREETING {
                    return Ok(());
                }
                let rest = greeting.split_off(1 + 2 * GREETING);
                self.greeting = None;
                self.chunks.feed(&rest);
            }
        }
        if self.received.wrapping_sub(self.acknowledged) >= self.window {
            self.acknowledged = self.received;
            outs.push(control(3, &self.received.to_be_bytes()));
        }
        while let Some(message) = self.chunks.next()? {
            match message.kind {
                22 if self.publishing => {
                    // There is nothing but media in it.
                    let media = |part: &Message| matches!(part.kind, 8 | 9 | 18);
                    for part in parts(&message)?.into_iter().filter(media) {
                        self.message(part, outs);
                    }
                }
                _ => self.message(message, outs),
            }
        }
        Ok(())
    }

    fn message(&mut self, message: Message, outs: &mut Vec<Out>) {
        match message.kind {
            // How often it wants to hear how much has come.
            5 => {
                let window = message.bytes.first_chunk().copied().map(u32::from_be_bytes);
                self.window = window.unwrap_or(WINDOW).max(64 << 10);
            }
            // A ping is answered with its own time.
            4 if message.bytes.starts_with(&[0, 6]) => {
                let pong = [&[0, 7], message.bytes.get(2..6).unwrap_or_default()].concat();
                outs.push(control(4, &pong));
            }
            8 | 9 if self.publishing => outs.push(Out::Tag(tag(&message, &message.bytes))),
            18 if self.publishing => {
                // "@setDataFrame" is for the server; what follows is for the file.
                let marker = Writer::default().text("@setDataFrame").0;
                let body = message.bytes.strip_prefix(&marker[..]);
                outs.push(Out::Tag(tag(&message, body.unwrap_or(&message.bytes))));
            }
            20 => self.command(&message.bytes, outs),
            // The same in AMF3's wrapping.
            17 => self.command(message.bytes.get(1..).unwrap_or_default(), outs),
            _ => {}
        }
    }

    fn command(&mut self, bytes: &[u8], outs: &mut Vec<Out>) {
        let values = read(bytes);
        let number = match values.get(1) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        };
        let name = values.first().and_then(Value::text).unwrap_or_default();
        match name {
            "connect" => {
                let app = values.get(2).and_then(|info| info.field("app"));
                let app = app.and_then(Value::text).unwrap_or_default();
                // Some add their own options to it.
                let app = app.split('?').next().unwrap_or_default().trim_matches('/');
                self.connected = app == self.app;
                if !self.connected {
                    let answer = Writer::default().text("_error").number(number).null();
                    outs.push(invoke(
                        0,
                        rejected(answer, "NetConnection.Connect.InvalidApp"),
                    ));
                    outs.push(Out::End);
                    return;
                }
                outs.push(control(5, &WINDOW.to_be_bytes()));
                outs.push(control(6, &[&WINDOW.to_be_bytes()[..], &[2]].concat()));
                let answer = Writer::default().text("_result").number(number);
                let answer = answer.object(&[("fmsVer", "FMS/3,5,7,7009")]);
                let answer = answer.object(&[
                    ("level", "status"),
                    ("code", "NetConnection.Connect.Success"),
                    ("description", "connected"),
                ]);
                outs.push(invoke(0, answer));
            }
            "createStream" => {
                let answer = Writer::default().text("_result").number(number).null();
                outs.push(invoke(0, answer.number(STREAM.into())));
            }
            "publish" if self.connected && !self.publishing => {
                let name = values.get(3).and_then(Value::text).unwrap_or_default();
                if self.key.is(name) {
                    outs.push(Out::Publish);
                } else {
                    outs.push(Out::Send(self.status("error", "NetStream.Publish.BadName")));
                    outs.push(Out::End);
                }
            }
            "FCUnpublish" | "deleteStream" | "closeStream" if self.publishing => {
                outs.push(Out::End);
            }
            "releaseStream" | "FCPublish" => {
                let answer = Writer::default().text("_result").number(number).null();
                outs.push(invoke(0, answer.null()));
            }
            _ => {}
        }
    }

    /// Lets it send; the bytes to tell it so.
    pub fn accept(&mut self) -> Vec<u8> {
        self.publishing = true;
        self.chunks.limit = SENDER;
        self.status("status", "NetStream.Publish.Start")
    }

    /// Another one sends already; the bytes to tell it so.
    pub fn refuse(&self) -> Vec<u8> {
        self.status("error", "NetStream.Publish.Denied")
    }

    fn status(&self, level: &str, code: &str) -> Vec<u8> {
        let answer = Writer::default().text("onStatus").number(0.0).null();
        let answer = answer.object(&[("level", level), ("code", code), ("description", code)]);
        write(
            3,
            &Message {
                kind: 20,
                stream: STREAM,
                time: 0,
                bytes: answer.0,
            },
        )
    }
}

fn rejected(answer: Writer, code: &str) -> Writer {
    answer.object(&[("level", "error"), ("code", code), ("description", code)])
}

fn control(kind: u8, bytes: &[u8]) -> Out {
    Out::Send(write(
        2,
        &Message {
            kind,
            bytes: bytes.to_vec(),
            ..Message::default()
        },
    ))
}

fn invoke(stream: u32, command: Writer) -> Out {
    Out::Send(write(
        3,
        &Message {
            kind: 20,
            stream,
            time: 0,
            bytes: command.0,
        },
    ))
}

/// A tag of FLV (Adobe's "Video File Format Specification 10.1", annex E.4).
fn tag(message: &Message, body: &[u8]) -> Vec<u8> {
    let (len, time) = (body.len() as u32, message.time.to_be_bytes());
    let mut tag = vec![message.kind];
    tag.extend_from_slice(&len.to_be_bytes()[1..]);
    tag.extend_from_slice(&[time[1], time[2], time[3], time[0], 0, 0, 0]);
    tag.extend_from_slice(body);
    tag.extend_from_slice(&(len + 11).to_be_bytes());
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::new("live".into(), StreamKey::new("the-key").unwrap())
    }

    fn greeting() -> Vec<u8> {
        let mut bytes = vec![3];
        bytes.resize(1 + 2 * GREETING, 7);
        bytes
    }

    fn said(writer: Writer) -> Vec<u8> {
        match invoke(0, writer) {
            Out::Send(bytes) => bytes,
            _ => Vec::new(),
        }
    }

    fn connect(app: &str) -> Vec<u8> {
        let writer = Writer::default().text("connect").number(1.0);
        said(writer.object(&[("app", app)]))
    }

    fn publish(key: &str) -> Vec<u8> {
        let writer = Writer::default().text("publish").number(4.0).null();
        said(writer.text(key).text("live"))
    }

    fn text(outs: &Outs) -> String {
        let sent = outs.outs.iter().filter_map(|out| match out {
            Out::Send(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        sent.collect()
    }

    #[test]
    fn who_knows_the_key_sends_and_nobody_else() {
        let mut session = session();
        let greeted = session.take(&[greeting(), connect("live")].concat());
        assert!(matches!(&greeted.outs[0], Out::Send(bytes) if bytes.len() == 1 + 2 * GREETING));
        assert!(text(&greeted).contains("Connect.Success"));
        let media = Message {
            kind: 9,
            stream: 1,
            time: 40,
            bytes: vec![0x17, 1],
        };
        // Not before it may.
        assert!(session.take(&write(6, &media)).outs.is_empty());
        assert_eq!(session.take(&publish("the-key")).outs, [Out::Publish]);
        assert!(String::from_utf8_lossy(&session.accept()).contains("Publish.Start"));
        let tags = session.take(&write(6, &media));
        let expected = [9, 0, 0, 2, 0, 0, 40, 0, 0, 0, 0, 0x17, 1, 0, 0, 0, 13];
        assert_eq!(tags.outs, [Out::Tag(expected.to_vec())]);
        let end = said(Writer::default().text("deleteStream").number(5.0));
        assert_eq!(session.take(&end).outs, [Out::End]);
    }

    #[test]
    fn a_wrong_key_or_application_is_told_so_and_ends() {
        let mut wrong = session();
        wrong.take(&[greeting(), connect("live")].concat());
        let outs = wrong.take(&publish("the-kez"));
        assert!(text(&outs).contains("BadName") && outs.outs.last() == Some(&Out::End));
        let mut elsewhere = session();
        let outs = elsewhere.take(&[greeting(), connect("other")].concat());
        assert!(text(&outs).contains("InvalidApp") && outs.outs.last() == Some(&Out::End));
        // Without an application there is nothing to publish to.
        let mut hasty = session();
        let outs = hasty.take(&[greeting(), publish("the-key")].concat());
        assert!(!outs.outs.contains(&Out::Publish));
    }

    #[test]
    fn strangers_may_not_fill_the_memory() {
        let mut session = session();
        let large = Message {
            kind: 9,
            bytes: vec![0; STRANGER + 1],
            ..Message::default()
        };
        let outs = session.take(&[greeting(), write(6, &large)].concat());
        assert!(matches!(outs.failed, Some(ChunkError::Large { .. })));
        let outs = session_of(b"GET / HTTP/1.1\r\n");
        assert_eq!(outs.failed, Some(ChunkError::Version(b'G')));
    }

    fn session_of(bytes: &[u8]) -> Outs {
        session().take(bytes)
    }
}
