//! A proxy between FFmpeg and the world: a playlist that is fetched may name any address, and what answers there would be
//! published. So nothing of this machine and its network is asked, but for the very address that was configured.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::desk::{Desk, Offer};

/// Connections at a time; FFmpeg needs one for each playlist and each segment that it reads.
const CONNECTIONS: usize = 64;
/// Time for a request's head to come, and for a connection to be made.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest head of a request: an address may have some thousand bytes.
const MAX_HEAD: usize = 32 << 10;

/// A running proxy; dropping it ends its connections.
pub(super) struct Gate {
    address: SocketAddr,
    desk: Arc<Desk>,
    _task: JoinSet<()>,
}

impl Gate {
    /// A proxy for a stream at `url`. Where that is now stays open to it, wherever that is; names may point elsewhere later.
    ///
    /// # Errors
    /// The host is not found, or there is no free port.
    pub async fn open(url: &str) -> io::Result<Self> {
        let (host, _) = place(url)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the address has none"))?;
        let home: Arc<[SocketAddr]> = lookup_host(host).await?.collect();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut task = JoinSet::new();
        let desk = Arc::new(Desk::new());
        task.spawn(serve(listener, home, desk.clone()));
        Ok(Self {
            address,
            desk,
            _task: task,
        })
    }

    /// Its port, on loopback.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its own address, as FFmpeg takes it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers with this from now on; the address to ask for it.
    pub fn offer(&self, offer: Offer) -> String {
        self.desk.put(offer)
    }
}

async fn serve(listener: TcpListener, home: Arc<[SocketAddr]>, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut asked = JoinSet::new();
    loop {
        while asked.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files, most likely.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (home, desk) = (home.clone(), desk.clone());
        asked.spawn(async move {
            let _place = place;
            // FFmpeg says what it missed.
            let _ = answer(stream, &home, &desk).await;
        });
    }
}

/// Carries one request and its answer.
async fn answer(mut asker: TcpStream, home: &[SocketAddr], desk: &Desk) -> io::Result<()> {
    let head = tokio::time::timeout(PATIENCE, head(&mut asker)).await??;
    let Some((head, rest)) = head else {
        return Ok(());
    };
    let Some(request) = Request::read(&head) else {
        return refuse(&mut asker, "400 Bad Request").await;
    };
    if desk.is_asked(&request.host) {
        return desk.answer(&mut asker).await;
    }
    let connected = match allowed(&request.host, home).await {
        Ok(places) if places.is_empty() => return refuse(&mut asker, "403 Forbidden").await,
        Ok(places) => tokio::time::timeout(PATIENCE, TcpStream::connect(&places[..])).await,
        Err(e) => Ok(Err(e)),
    };
    let Ok(Ok(mut server)) = connected else {
        return refuse(&mut asker, "502 Bad Gateway").await;
    };
    match &request.forward {
        Some(head) => server.write_all(head.as_bytes()).await?,
        None => {
            let accepted = b"HTTP/1.1 200 Connection established\r\n\r\n";
            asker.write_all(accepted).await?;
        }
    }
    server.write_all(&rest).await?;
    let (mut from_asker, mut to_asker) = asker.split();
    let (mut from_server, mut to_server) = server.split();
    // Whoever ends first ends it.
    tokio::select! {
        done = copy(&mut from_server, &mut to_asker) => done.map(drop),
        done = copy(&mut from_asker, &mut to_server) => done.map(drop),
    }
}

pub(super) async fn refuse(asker: &mut TcpStream, status: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    asker.write_all(answer.as_bytes()).await
}

/// A request's head, and what came behind it; none if it does not come or is too large.
async fn head(asker: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    while bytes.len() < MAX_HEAD && asker.read_buf(&mut bytes).await? > 0 {
        if let Some(end) = bytes.windows(END.len()).position(|window| window == END) {
            let rest = bytes.split_off(end + END.len());
            return Ok(String::from_utf8(bytes).ok().map(|head| (head, rest)));
        }
    }
    Ok(None)
}

/// What is asked of whom.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// Host and port.
    host: String,
    /// The head as the server gets it; none for a tunnel.
    forward: Option<String>,
}

impl Request {
    fn read(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        if method == "CONNECT" {
            let (host, _) = place(&format!("https://{target}"))?;
            return Some(Self {
                host,
                forward: None,
            });
        }
        let (host, path) = place(target).filter(|_| target.starts_with("http://"))?;
        let mut forward = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        // Each request is looked at: the next one comes by another connection.
        let ours = ["connection:", "proxy-connection:", "proxy-authorization:"];
        for line in lines.filter(|line| !line.is_empty()) {
            let lower = line.to_ascii_lowercase();
            if !ours.iter().any(|name| lower.starts_with(name)) {
                forward += line;
                forward += "\r\n";
            }
        }
        forward += "\r\n";
        Some(Self {
            host,
            forward: Some(forward),
        })
    }
}

/// Host and port of an address, and what is asked for there.
fn place(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority
        .rsplit('@')
        .next()
        .filter(|host| !host.is_empty())?;
    let port = match scheme {
        "https" => 443,
        _ => 80,
    };
    // An IPv6 address has colons of its own, in brackets.
    let named = host.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let host = match named {
        true => host.to_owned(),
        false => format!("{}:{port}", host.trim_end_matches(':')),
    };
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    };
    Some((host, path))
}

/// Addresses of a host that may be asked.
async fn allowed(host: &str, home: &[SocketAddr]) -> io::Result<Vec<SocketAddr>> {
    let found = lookup_host(host).await?;
    let open = |place: &SocketAddr| is_global(place.ip()) || home.contains(place);
    Ok(found.filter(open).collect())
}

/// Whether an address is one of the internet's, by IANA's registries of special ones.
fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_global_v4(ip),
        IpAddr::V6(ip) => is_global_v6(ip),
    }
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
    !matches!(
        ip.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_global_v6(ip: Ipv6Addr) -> bool {
    let part = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b, c, d] = ((u32::from(high) << 16) | u32::from(low)).to_be_bytes();
        is_global_v4(Ipv4Addr::new(a, b, c, d))
    };
    match part {
        // Translated, mapped, or tunnelled: another kind of name for an IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0xffff, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0..=0x1ff | 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_network_are_not_global() {
        let global = |text: &str| is_global(text.parse().unwrap());
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.20.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "239.1.1.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!global(text), "{text}");
        }
        for text in [
            "1.1.1.1",
            "172.32.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
        ] {
            assert!(global(text), "{text}");
        }
    }

    #[test]
    fn requests_are_passed_on_as_a_server_takes_them() {
        let head = "GET http://u:p@a.example:81/x?y HTTP/1.1\r\nHost: a.example:81\r\nConnection: keep-alive\r\n\r\n";
        let request = Request::read(head).unwrap();
        assert_eq!(request.host, "a.example:81");
        let forward =
            "GET /x?y HTTP/1.1\r\nConnection: close\r\nHost: a.example:81\r\n\r\n".to_owned();
        assert_eq!(request.forward, Some(forward));
        let tunnel = Request::read("CONNECT [::1]:443 HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!((tunnel.host.as_str(), tunnel.forward), ("[::1]:443", None));
        for bad in [
            "GET /x HTTP/1.1\r\n\r\n",
            "GET ftp://a/ HTTP/1.1\r\n\r\n",
            "x",
        ] {
            assert_eq!(Request::read(bad), None, "{bad}");
        }
        assert_eq!(
            place("https://a.example").unwrap(),
            ("a.example:443".into(), "/".into())
        );
        assert_eq!(place("http://[::1]/a").unwrap().0, "[::1]:80");
    }

    #[tokio::test]
    async fn only_the_configured_address_is_open_here() {
        let home = ["127.0.0.1:81".parse().unwrap()];
        assert_eq!(allowed("127.0.0.1:81", &home).await.unwrap(), home);
        assert!(allowed("127.0.0.1:82", &home).await.unwrap().is_empty());
        assert!(allowed("localhost:80", &home).await.unwrap().is_empty());
    }
}
