//! Where a live stream comes from, and the key that a sender must know.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// Ports by custom: RTMP's is IANA's, SRT has none of its own.
const RTMP_PORT: u16 = 1935;
const SRT_PORT: u16 = 9000;
/// Lengths that SRT allows for a passphrase (its API's `SRTO_PASSPHRASE`).
const PASSPHRASE: std::ops::RangeInclusive<usize> = 10..=79;

/// A live source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Senders come by RTMP.
    Rtmp {
        /// Where they are awaited.
        listen: SocketAddr,
        /// The application's name: the path of the address.
        app: String,
    },
    /// Senders come by SRT.
    Srt {
        /// Where they are awaited.
        listen: SocketAddr,
    },
    /// A playlist or a stream is fetched.
    Pull {
        /// `http://` or `https://`; may hold secrets.
        url: String,
    },
}

/// Why an address or key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme, or none.
    #[error(
        "{0}: not a live source; expected rtmp://ADDRESS:PORT/APP or srt://ADDRESS:PORT to wait for a sender there, or http(s)://… to fetch a stream"
    )]
    Scheme(String),
    /// A name or something else where an IP address should be.
    #[error(
        "{found}: senders are awaited at an address of this machine, such as 127.0.0.1 or 0.0.0.0 for all of them, with a port"
    )]
    Listen {
        /// What was found.
        found: String,
    },
    /// More than an address: most likely a key.
    #[error(
        "{found}: an address to wait at has neither '?' nor '@'; the stream key belongs into a file of its own (broadcaster.key_file)"
    )]
    More {
        /// The address without it.
        found: String,
    },
    /// An RTMP address without a path.
    #[error("an RTMP address ends with the name of an application, such as /live")]
    App,
    /// Characters that no address has.
    #[error("an address has neither blanks nor control characters nor quotation marks")]
    Characters,
    /// No key.
    #[error("whoever can reach {0} could send to it: give it a stream key (broadcaster.key_file)")]
    NoKey(SocketAddr),
    /// A key that SRT does not take.
    #[error("a stream key for SRT has {} to {} letters, digits, - or _; this one has {found} characters or others", PASSPHRASE.start(), PASSPHRASE.end())]
    Passphrase {
        /// Its length.
        found: usize,
    },
}

impl Address {
    /// Whether the text is an address at all, and not a file's name.
    pub fn is_url(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    }

    /// Whether senders come to it, so that a key is needed.
    pub fn listens(&self) -> Option<SocketAddr> {
        match self {
            Self::Rtmp { listen, .. } | Self::Srt { listen } => Some(*listen),
            Self::Pull { .. } => None,
        }
    }

    /// Checks that there is a key where one is needed, and that it can be used.
    ///
    /// # Errors
    /// [`AddressError::NoKey`], [`AddressError::Passphrase`].
    pub fn check_key(&self, key: Option<&StreamKey>) -> Result<(), AddressError> {
        let Some(listen) = self.listens() else {
            return Ok(());
        };
        let key = key.ok_or(AddressError::NoKey(listen))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let len = key.expose().len();
        match self {
            Self::Srt { .. } if !PASSPHRASE.contains(&len) || !key.expose().bytes().all(plain) => {
                Err(AddressError::Passphrase { found: len })
            }
            _ => Ok(()),
        }
    }
}

/// Without what may be secret: of a fetched stream only scheme and host.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rtmp { listen, app } => write!(f, "rtmp://{listen}/{app}"),
            Self::Srt { listen } => write!(f, "srt://{listen}"),
            Self::Pull { url } => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
                write!(f, "{scheme}://{}/…", host(rest))
            }
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"'\"\\".contains(c);
        if !text.chars().all(plain) {
            return Err(AddressError::Characters);
        }
        // Whatever is wrong with an address, it may hold secrets.
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| AddressError::Scheme(host(text).into()))?;
        let shown = || format!("{scheme}://{}", host(rest));
        let other = || AddressError::Scheme(shown());
        let listen = |place: &str, port| {
            listen(place, port).ok_or_else(|| AddressError::Listen { found: shown() })
        };
        match scheme {
            "rtmp" | "srt" if rest.contains(['?', '@', '#']) => {
                Err(AddressError::More { found: shown() })
            }
            "http" | "https" => Ok(Self::Pull { url: text.into() }),
            "rtmp" => {
                let (host, app) = rest.split_once('/').ok_or(AddressError::App)?;
                let app = app.trim_end_matches('/');
                if app.is_empty() {
                    return Err(AddressError::App);
                }
                Ok(Self::Rtmp {
                    listen: listen(host, RTMP_PORT)?,
                    app: app.into(),
                })
            }
            "srt" => Ok(Self::Srt {
                listen: listen(rest.trim_end_matches('/'), SRT_PORT)?,
            }),
            _ => Err(other()),
        }
    }
}

/// The host of what follows a scheme, with its port.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

fn listen(host: &str, port: u16) -> Option<SocketAddr> {
    let local = host.replacen("localhost", &Ipv4Addr::LOCALHOST.to_string(), 1);
    let alone = |ip: IpAddr| SocketAddr::new(ip, port);
    let bare = local.trim_start_matches('[').trim_end_matches(']');
    let address = local.parse().ok();
    address.or_else(|| bare.parse().ok().map(alone))
}

/// What a sender must know. Has no printable form.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamKey(String);

impl StreamKey {
    /// Takes a key; blanks around it do not belong to it.
    pub fn new(key: &str) -> Option<Self> {
        let key = key.trim();
        (!key.is_empty()).then(|| Self(key.to_owned()))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where they differ.
    pub(super) fn is(&self, other: &str) -> bool {
        let (mine, theirs) = (self.0.as_bytes(), other.as_bytes());
        let differ = mine
            .iter()
            .zip(theirs)
            .fold(0, |differ, (a, b)| differ | (a ^ b));
        mine.len() == theirs.len() && differ == 0
    }
}

impl std::fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StreamKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parse = |text: &str| text.parse::<Address>();
        let rtmp = parse("rtmp://0.0.0.0:1936/live/").unwrap();
        assert_eq!(rtmp.to_string(), "rtmp://0.0.0.0:1936/live");
        assert_eq!(
            parse("srt://localhost").unwrap().to_string(),
            "srt://127.0.0.1:9000"
        );
        assert_eq!(
            parse("rtmp://[::]/a/b").unwrap().listens().unwrap().port(),
            RTMP_PORT
        );
        let pull = parse("https://user:word@host.example:8443/x.m3u8?token=secret").unwrap();
        assert_eq!(pull.to_string(), "https://host.example:8443/…");
        for bad in ["file:///etc/passwd", "clip.mkv", "rtmp://host.example/live"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("rtmp://127.0.0.1"), Err(AddressError::App));
        assert_eq!(parse("http://a/\nfile 'b'"), Err(AddressError::Characters));
        assert!(!Address::is_url("clip.mkv") && Address::is_url("rtmp://x"));
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        for (text, told) in [
            ("srt://0.0.0.0:9000?passphrase=hunter2", "0.0.0.0:9000"),
            ("srt://hunter2@0.0.0.0", "key_file"),
            ("rtmp://0.0.0.0/live?key=hunter2", "key_file"),
            ("rtmp://camera.example/live/hunter2", "camera.example"),
            ("srt://camera.example/hunter2", "camera.example"),
            ("rtsp://u:hunter2@cam/stream?k=hunter2", "rtsp://cam"),
            ("rtmps://a.example/app/hunter2", "rtmps://a.example"),
            ("u:hunter2@cam?hunter2", "cam"),
            ("http://a/ hunter2", "blanks"),
        ] {
            let said = text.parse::<Address>().unwrap_err().to_string();
            assert!(said.contains(told) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn keys() {
        let srt: Address = "srt://127.0.0.1".parse().unwrap();
        let key = |text| StreamKey::new(text);
        assert!(matches!(srt.check_key(None), Err(AddressError::NoKey(_))));
        assert!(srt.check_key(key("short").as_ref()).is_err());
        assert!(srt.check_key(key("long-enough-\nkey").as_ref()).is_err());
        assert!(srt.check_key(key("long-enough-key\n").as_ref()).is_ok());
        let key = key("abc").unwrap();
        assert!(key.is("abc") && !key.is("abd") && !key.is("ab") && !key.is("abcd"));
        assert!(!format!("{key:?}").contains("abc"));
    }
}
