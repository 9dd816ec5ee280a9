//! What the proxy before FFmpeg answers itself: a playlist of ours, or an answer that the node has begun to read.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::gate::refuse;

/// Something that the proxy itself answers with, to whoever asks for the address that it is put at.
pub(super) enum Offer {
    /// A playlist of ours.
    Playlist(String),
    /// An answer that has begun: it is handed on once.
    Stream {
        /// Its first bytes.
        begun: Vec<u8>,
        /// The rest.
        rest: reqwest::Response,
    },
}

/// Where the proxy has it.
pub(super) struct Desk {
    /// A host that nobody else can know or have.
    host: String,
    offer: Mutex<Option<Offer>>,
}

impl Desk {
    pub fn new() -> Self {
        // Randomness from the system; `invalid` is no domain (RFC 2606).
        let word = || RandomState::new().build_hasher().finish();
        Self {
            host: format!("{:016x}{:016x}.invalid", word(), word()),
            offer: Mutex::default(),
        }
    }

    /// Offers this from now on; the address to ask for it.
    pub fn put(&self, offer: Offer) -> String {
        let name = match offer {
            Offer::Playlist(_) => "variant.m3u8",
            Offer::Stream { .. } => "stream",
        };
        *self.lock() = Some(offer);
        format!("http://{}/{name}", self.host)
    }

    /// Whether a request is for it, by its host and port.
    pub fn is_asked(&self, host: &str) -> bool {
        host.strip_suffix(":80") == Some(&self.host)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Offer>> {
        self.offer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is offered; a stream only once.
    fn take(&self) -> Option<Offer> {
        let mut offer = self.lock();
        match &*offer {
            Some(Offer::Playlist(text)) => Some(Offer::Playlist(text.clone())),
            _ => offer.take(),
        }
    }

    /// Answers with what is offered.
    pub async fn answer(&self, asker: &mut TcpStream) -> io::Result<()> {
        // What has neither a length nor chunks FFmpeg takes for cut off when it ends.
        let head = |kind: &str, how: &str| {
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n{how}\r\n\r\n")
        };
        match self.take() {
            None => refuse(asker, "404 Not Found").await,
            Some(Offer::Playlist(text)) => {
                let how = format!("Content-Length: {}", text.len());
                let head = head("application/vnd.apple.mpegurl", &how);
                asker.write_all((head + &text).as_bytes()).await
            }
            Some(Offer::Stream { begun, mut rest }) => {
                let kind = rest.headers().get("content-type");
                let kind = kind.and_then(|kind| kind.to_str().ok());
                let kind = kind.unwrap_or("application/octet-stream");
                let head = head(kind, "Transfer-Encoding: chunked");
                asker.write_all(head.as_bytes()).await?;
                let mut next = Some(begun);
                while let Some(bytes) = next {
                    let size = format!("{:x}\r\n", bytes.len());
                    // An empty one would be the last.
                    if !bytes.is_empty() {
                        let chunk = [size.as_bytes(), &bytes, b"\r\n"].concat();
                        asker.write_all(&chunk).await?;
                    }
                    let bytes = rest.chunk().await.map_err(io::Error::other)?;
                    next = bytes.map(|bytes| bytes.to_vec());
                }
                asker.write_all(b"0\r\n\r\n").await
            }
        }
    }
}
