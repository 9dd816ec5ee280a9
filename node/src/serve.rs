//! Playlists and segments for viewers, over HTTP.
//!
//! Only what the packager writes is there: names of letters, digits, `-`, `_` and `.` with the endings below, at most one
//! folder deep. Whoever wants TLS or the open internet puts a proxy or a CDN before it.

mod answer;
mod file;
mod places;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use answer::{Body, plain};
use places::Places;

/// Connections at a time; more wait to be accepted. A browser opens six.
const CONNECTIONS: usize = 512;
/// Of them for one address; more are closed at once. A school behind one address has twenty viewers.
const OF_ONE: usize = 128;
/// Longest time for a request's head. Also how long an idle connection stays.
const HEAD: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 << 10;
/// How long a connection takes requests; a viewer's next one opens another.
const LIFE: Duration = Duration::from_secs(600);
/// Time for what is being answered then: a reader that takes one byte a minute holds a place no longer.
const LAST_ANSWER: Duration = Duration::from_secs(60);

/// What is served to whom.
#[derive(Clone, Debug)]
pub struct Viewers {
    /// The packager's folder.
    pub folder: PathBuf,
    /// What a viewer must show, as `Authorization: Bearer …` or `?token=…`. `None` lets everybody in.
    pub token: Option<ViewerToken>,
}

/// What a viewer must show. Has no printable form.
#[derive(Clone)]
pub struct ViewerToken(String);

impl ViewerToken {
    /// Takes a token that fits into an address as it is; blanks around it do not belong to it.
    pub fn new(token: &str) -> Option<Self> {
        let token = token.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        (!token.is_empty() && token.bytes().all(plain)).then(|| Self(token.to_owned()))
    }

    fn is(&self, other: &str) -> bool {
        // In a time that does not depend on where they differ.
        blake3::hash(self.0.as_bytes()) == blake3::hash(other.as_bytes())
    }
}

impl std::fmt::Debug for ViewerToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ViewerToken(…)")
    }
}

/// A listener for viewers.
pub struct Server {
    listener: TcpListener,
    viewers: Arc<Viewers>,
    life: Duration,
}

impl Server {
    /// Listens; nobody is answered before [`Self::run`].
    ///
    /// # Errors
    /// An address that is taken.
    pub async fn bind(listen: SocketAddr, viewers: Viewers) -> std::io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(listen).await?,
            viewers: Arc::new(viewers),
            life: LIFE,
        })
    }

    /// Where the multivariant playlist is, without the token.
    pub fn url(&self) -> String {
        let address = self.listener.local_addr();
        let address = address.map_or_else(|_| "?".to_owned(), |address| address.to_string());
        format!("http://{address}/master.m3u8")
    }

    /// Answers for ever.
    pub async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let of_one = Places::new(OF_ONE);
        loop {
            // The semaphore is never closed.
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let Ok((stream, from)) = self.listener.accept().await else {
                // Too many open files, most likely.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Some(own) = of_one.take(from.ip()) else {
                continue;
            };
            let (viewers, life) = (self.viewers.clone(), self.life);
            tokio::spawn(async move {
                let _places = (place, own);
                converse(stream, viewers, life).await;
            });
        }
    }
}

/// Answers the requests of a connection for as long as it may live; a viewer that goes away in the middle is no news.
async fn converse(stream: TcpStream, viewers: Arc<Viewers>, life: Duration) {
    let service = service_fn(|request| answer_to(request, viewers.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    if tokio::time::timeout(life, connection.as_mut())
        .await
        .is_err()
    {
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(LAST_ANSWER, connection).await;
    }
}

async fn answer_to(
    request: Request<Incoming>,
    viewers: Arc<Viewers>,
) -> Result<Response<Body>, Infallible> {
    let head = match *request.method() {
        Method::GET => false,
        Method::HEAD => true,
        Method::OPTIONS => return Ok(plain(204, "")),
        _ => return Ok(plain(405, "only GET, HEAD and OPTIONS\n")),
    };
    let shown = answer::token_of(&request);
    let query_token = match (&viewers.token, shown) {
        (None, _) => None,
        (Some(token), answer::Shown::Header(shown)) if token.is(&shown) => None,
        (Some(token), answer::Shown::Query(shown)) if token.is(&shown) => Some(shown),
        _ => return Ok(plain(401, "a token is needed\n")),
    };
    let Some((path, kind)) = file::locate(&viewers.folder, request.uri().path()) else {
        return Ok(plain(404, "there is no such file\n"));
    };
    // RFC 9110, 14.2: of GET only.
    let range = request
        .headers()
        .get("range")
        .filter(|_| !head)
        .and_then(|range| range.to_str().ok());
    Ok(file::send(&path, kind, range, query_token.as_deref(), head).await)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A server of a small stream; answers to requests as they are, without the end of their heads.
    async fn serving(token: Option<&str>) -> (tempfile::TempDir, SocketAddr) {
        serving_for(LIFE, token).await
    }

    async fn serving_for(life: Duration, token: Option<&str>) -> (tempfile::TempDir, SocketAddr) {
        let folder = tempfile::tempdir().unwrap();
        let video = folder.path().join("0_360p");
        std::fs::create_dir(&video).unwrap();
        let playlist = "#EXTM3U\n0_360p/index.m3u8\n";
        std::fs::write(folder.path().join("master.m3u8"), playlist).unwrap();
        std::fs::write(folder.path().join("secret.key"), "secret").unwrap();
        std::fs::write(
            video.join("00000.m4s"),
            (0..200_000).map(|i| i as u8).collect::<Vec<_>>(),
        )
        .unwrap();
        let viewers = Viewers {
            folder: folder.path().into(),
            token: token.and_then(ViewerToken::new),
        };
        let mut server = Server::bind("127.0.0.1:0".parse().unwrap(), viewers)
            .await
            .unwrap();
        server.life = life;
        let address = server.listener.local_addr().unwrap();
        tokio::spawn(server.run());
        (folder, address)
    }

    async fn ask(address: SocketAddr, request: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        (head, answer[end + 4..].to_vec())
    }

    #[tokio::test]
    async fn files_whole_and_in_part() {
        let (_folder, address) = serving(None).await;
        let (head, body) = ask(address, "GET /master.m3u8 HTTP/1.1").await;
        assert!(
            head.starts_with("HTTP/1.1 200") && body.starts_with(b"#EXTM3U"),
            "{head}"
        );
        assert!(head.contains("application/vnd.apple.mpegurl") && head.contains("no-cache"));
        assert!(head.contains("access-control-allow-origin: *"));
        let (head, body) = ask(address, "GET /0_360p/00000.m4s HTTP/1.1").await;
        assert!(head.contains("video/iso.segment") && head.contains("content-length: 200000"));
        assert!(body.len() == 200_000 && body[70_000] == 70_000u32 as u8);
        let range = "GET /0_360p/00000.m4s HTTP/1.1\r\nRange: bytes=100000-100009";
        let (head, body) = ask(address, range).await;
        assert!(head.starts_with("HTTP/1.1 206"), "{head}");
        assert!(head.contains("content-range: bytes 100000-100009/200000"));
        assert_eq!(
            body,
            (100_000..100_010).map(|i| i as u8).collect::<Vec<_>>()
        );
        let (head, body) = ask(address, "HEAD /0_360p/00000.m4s HTTP/1.1").await;
        assert!(head.contains("content-length: 200000") && body.is_empty());
        let (head, _) = ask(address, "OPTIONS /master.m3u8 HTTP/1.1\r\nOrigin: http://a").await;
        assert!(
            head.starts_with("HTTP/1.1 204")
                && head.contains("allow-headers: Authorization, Range")
        );
        for (request, status) in [
            ("GET /secret.key HTTP/1.1", 404),
            ("GET /../../etc/passwd HTTP/1.1", 404),
            ("GET /0_360p/00009.m4s HTTP/1.1", 404),
            ("GET /0_360p HTTP/1.1", 404),
            ("POST /master.m3u8 HTTP/1.1", 405),
            (
                "GET /0_360p/00000.m4s HTTP/1.1\r\nRange: bytes=200000-",
                416,
            ),
        ] {
            let (head, _) = ask(address, request).await;
            assert!(
                head.starts_with(&format!("HTTP/1.1 {status}")),
                "{request}: {head}"
            );
        }
    }

    #[tokio::test]
    async fn only_with_the_token() {
        let (_folder, address) = serving(Some("let-me-in")).await;
        let status = async |request: &str| ask(address, request).await.0[9..12].to_owned();
        assert_eq!(status("GET /master.m3u8 HTTP/1.1").await, "401");
        assert_eq!(
            status("GET /master.m3u8?token=let-me-im HTTP/1.1").await,
            "401"
        );
        let (head, _) = ask(address, "GET /master.m3u8 HTTP/1.1").await;
        assert!(head.contains("www-authenticate: Bearer"), "{head}");
        let bearer = "GET /master.m3u8 HTTP/1.1\r\nAuthorization: bearer let-me-in";
        let (head, body) = ask(address, bearer).await;
        assert!(
            head.starts_with("HTTP/1.1 200") && !String::from_utf8(body).unwrap().contains("token")
        );
        // Some programs write more of an address in hex than they must.
        let (_, body) = ask(address, "GET /master.m3u8?x=1&token=let%2Dme-in HTTP/1.1").await;
        let body = String::from_utf8(body).unwrap();
        assert!(
            body.contains("0_360p/index.m3u8?token=let-me-in\n"),
            "{body}"
        );
    }

    #[tokio::test]
    async fn a_connection_that_is_over_finishes_its_answer() {
        let life = Duration::from_millis(200);
        let (folder, address) = serving_for(life, None).await;
        // More than all buffers on the way hold.
        let size = 64 << 20;
        let file = std::fs::File::create(folder.path().join("0_360p/00001.m4s")).unwrap();
        file.set_len(size).unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /0_360p/00001.m4s HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut head = [0; 1024];
        let mut read = stream.read(&mut head).await.unwrap() as u64;
        tokio::time::sleep(3 * life).await;
        let mut rest = vec![0; 1 << 20];
        loop {
            match stream.read(&mut rest).await.unwrap() {
                0 => break,
                more => read += more as u64,
            }
        }
        assert!(read > size, "{read} bytes of {size} and their head");
    }
}
