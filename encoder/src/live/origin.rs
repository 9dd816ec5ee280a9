//! What a fetched address is, before FFmpeg opens it: FFmpeg would fetch all variants of a playlist and publish its first one,
//! and does not tell a stream that has broken off from one that has ended.
//!
//! It is asked through the [`Gate`], as FFmpeg does. What cannot be read here FFmpeg is given as it is: it says why, or can.

use std::sync::Arc;
use std::time::Duration;

use m3u8_rs::{AlternativeMedia, AlternativeMediaType, MasterPlaylist, VariantStream};
use reqwest::{Client, Proxy, Response, Url};

use super::desk::Offer;
use super::gate::Gate;
use crate::limits::Limits;
use crate::package::MAX_SOUNDS;

/// Time for the beginning of an answer, or for a playlist.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest playlist: one of some days of segments.
const MAX_PLAYLIST: usize = 4 << 20;
/// What every playlist begins with (RFC 8216, 4.3.1.1).
const PLAYLIST: &[u8] = b"#EXTM3U";
/// Codecs that are published, as `CODECS` has them (RFC 6381).
const CODECS: [&str; 4] = ["avc1", "avc3", "hvc1", "hev1"];

/// What FFmpeg is to open.
pub(super) struct Origin {
    pub url: String,
    /// Whether it says where it ends: a playlist does, and a file. Otherwise what ends has broken off.
    pub ends: bool,
    /// Whether all of it is there, its end too: then it begins from its start each time that it is fetched.
    pub whole: bool,
}

impl Origin {
    /// Looks at what is at `url`; none if that cannot be read.
    pub async fn find(url: &str, gate: &Gate) -> Option<Self> {
        let found = tokio::time::timeout(PATIENCE, look(url, gate)).await;
        found.ok().flatten()
    }

    /// What is at `url`, by its name alone.
    pub fn unseen(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ends: path(url).ends_with(".m3u8"),
            whole: false,
        }
    }
}

/// An address without what is asked there.
fn path(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

async fn look(url: &str, gate: &Gate) -> Option<Origin> {
    let client = client(gate)?;
    let mut answer = ask(&client, url).await?;
    let (at, len) = (answer.url().clone(), answer.content_length());
    let mut begun = Vec::new();
    while begun.len() < PLAYLIST.len() && more(&mut answer, &mut begun).await? {}
    if !begun.starts_with(PLAYLIST) {
        return Some(match len {
            Some(_) => Origin {
                url: url.to_owned(),
                ends: true,
                whole: true,
            },
            // Not asked for twice: some serve one at a time, or nobody else after that.
            None => Origin {
                url: gate.offer(Offer::Stream {
                    begun,
                    rest: answer,
                }),
                ends: false,
                whole: false,
            },
        });
    }
    all(&mut answer, &mut begun).await?;
    let Some((text, variant)) = choose(&begun, &at) else {
        return Some(Origin {
            url: url.to_owned(),
            ends: true,
            whole: has_ended(&begun),
        });
    };
    let mut media = Vec::new();
    all(&mut ask(&client, &variant).await?, &mut media).await?;
    Some(Origin {
        url: gate.offer(Offer::Playlist(text)),
        ends: true,
        whole: has_ended(&media),
    })
}

async fn ask(client: &Client, url: &str) -> Option<Response> {
    let answer = client.get(url).send().await.ok()?;
    answer.error_for_status().ok()
}

/// Adds the rest of a playlist; none if it is too long.
async fn all(answer: &mut Response, to: &mut Vec<u8>) -> Option<()> {
    while more(answer, to).await? {
        if to.len() > MAX_PLAYLIST {
            return None;
        }
    }
    Some(())
}

/// Whether nothing will be added to a media playlist (RFC 8216, 4.3.3.4).
fn has_ended(playlist: &[u8]) -> bool {
    let mut lines = playlist.split(|&byte| byte == b'\n');
    lines.any(|line| line.trim_ascii() == b"#EXT-X-ENDLIST")
}

/// Adds what comes next; whether there was any.
async fn more(answer: &mut Response, to: &mut Vec<u8>) -> Option<bool> {
    let bytes = answer.chunk().await.ok()?;
    Some(bytes.map(|bytes| to.extend_from_slice(&bytes)).is_some())
}

/// Asks through the proxy and believes whom the system believes.
fn client(gate: &Gate) -> Option<Client> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .proxy(Proxy::all(gate.url()).ok()?)
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls);
    client.build().ok()
}

/// A multivariant playlist with the best variant of the one at `at` and the audio that belongs to it, and that variant's own
/// address; none of any other.
fn choose(text: &[u8], at: &Url) -> Option<(String, String)> {
    if !m3u8_rs::is_master_playlist(text) {
        return None;
    }
    let all = m3u8_rs::parse_master_playlist_res(text).ok()?;
    let best = all.variants.iter().filter(|variant| !variant.is_i_frame);
    let best = best.max_by_key(|variant| rank(variant))?;
    let absolute = |uri: &str| Some(at.join(uri).ok()?.to_string());
    let belongs = |other: &&AlternativeMedia| {
        other.media_type == AlternativeMediaType::Audio
            && Some(&other.group_id) == best.audio.as_ref()
    };
    let mut sounds: Vec<_> = all.alternatives.iter().filter(belongs).cloned().collect();
    sounds.sort_by_key(|sound| !sound.default);
    sounds.truncate(MAX_SOUNDS);
    for sound in &mut sounds {
        if let Some(uri) = &sound.uri {
            sound.uri = Some(absolute(uri)?);
        }
    }
    let uri = absolute(&best.uri)?;
    let variant = VariantStream {
        uri: uri.clone(),
        video: None,
        subtitles: None,
        closed_captions: None,
        ..best.clone()
    };
    let chosen = MasterPlaylist {
        version: all.version,
        variants: vec![variant],
        alternatives: sounds,
        ..MasterPlaylist::default()
    };
    let mut text = Vec::new();
    chosen.write_to(&mut text).ok()?;
    Some((String::from_utf8(text).ok()?, uri))
}

/// By what variants are compared: whether it can be published as far as it says, its size, its rate.
fn rank(variant: &VariantStream) -> (bool, u64, u64) {
    let pixels = variant
        .resolution
        .map(|size| size.width.saturating_mul(size.height));
    let pixels = pixels.unwrap_or_default();
    let codecs = variant.codecs.as_deref();
    let known = codecs.is_none_or(|codecs| CODECS.iter().any(|codec| codecs.contains(codec)));
    let fits = known && pixels <= Limits::default().max_pixels;
    (fits, pixels, variant.bandwidth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_that_can_be_published_is_chosen_with_its_audio() {
        let text = b"#EXTM3U\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"low\",NAME=\"a\",URI=\"low/a.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"high\",NAME=\"b\",LANGUAGE=\"fra\",URI=\"b.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"high\",NAME=\"c\",DEFAULT=YES,URI=\"/c.m3u8?t=1\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=320x180,AUDIO=\"low\"\nlow/v.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=99,RESOLUTION=640x360,CODECS=\"avc1.64001f\",AUDIO=\"high\"\nhigh/v.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=98,RESOLUTION=640x360,AUDIO=\"high\"\nhigh/less.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=999,RESOLUTION=1280x720,CODECS=\"av01.0.05M.08\"\nav1.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=999,RESOLUTION=12800x7200\nhuge.m3u8\n";
        let at = Url::parse("https://a.example/x/master.m3u8?token=1").unwrap();
        let (chosen, uri) = choose(text, &at).unwrap();
        let chosen = m3u8_rs::parse_master_playlist_res(chosen.as_bytes()).unwrap();
        let variants: Vec<_> = chosen.variants.iter().map(|v| v.uri.as_str()).collect();
        assert_eq!(variants, ["https://a.example/x/high/v.m3u8"]);
        assert_eq!(variants, [uri]);
        let sounds = chosen.alternatives.iter().map(|sound| sound.uri.as_deref());
        let sounds: Vec<_> = sounds.map(Option::unwrap_or_default).collect();
        assert_eq!(
            sounds,
            ["https://a.example/c.m3u8?t=1", "https://a.example/x/b.m3u8"]
        );
        let media = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n";
        assert_eq!(choose(media, &at), None);
        assert!(!has_ended(media));
        assert!(has_ended(&[&media[..], b"#EXT-X-ENDLIST\r\n"].concat()));
    }
}
