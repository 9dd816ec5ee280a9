//! The multivariant playlist (RFC 8216, and its successor draft-pantos-hls-rfc8216bis for `EXT-X-GAP`).

use std::collections::HashMap;
use std::iter;

use assay_protocol::profile::SourceFormat;
use m3u8_rs::{
    AlternativeMedia, AlternativeMediaType, MasterPlaylist, QuotedOrUnquoted, Resolution,
    VariantStream,
};

use super::language;
use super::shelf::Rate;
use super::sound::{SoundTrack, is_mp3};
use super::track::Track;

pub(super) const INIT: &str = "init.mp4";
pub(super) const MEDIA: &str = "index.m3u8";
pub(super) const ARCHIVE: &str = "archive.m3u8";
pub(super) const MULTIVARIANT: &str = "master.m3u8";

/// The group of all audio tracks.
const GROUP: &str = "audio";

/// Version that admits `EXT-X-GAP`.
pub(super) const VERSION: usize = 8;

/// Frames that are nearer by less than this are those of a constant rate, and a container's rounding.
const VARIES: f64 = 1.05;

/// A track, what was measured of it so far, and the formats that its playlist still has besides the newest.
pub(super) type Listed<'a, T> = (&'a T, Rate, Vec<&'a str>);

/// Renditions and audio tracks; how many of the source's frames there are in a second at most, `fastest`; `media` is the name of the
/// tracks' playlists.
///
/// `SUPPLEMENTAL-CODECS` is for bases with an enhancement on top, such as Dolby Vision; plain AV1 has nothing to say there.
pub(super) fn multivariant(
    video: &[Listed<Track>],
    audio: &[Listed<SoundTrack>],
    source: &SourceFormat,
    fastest: f64,
    media: &str,
) -> Vec<u8> {
    // RFC 8216, section 4.3.4.2: the highest there is, rounded to three decimals. The nominal rate is the mean of those that vary.
    let nominal = f64::from(source.fps_num) / f64::from(source.fps_den);
    let frames_per_second = match fastest > nominal * VARIES {
        true => fastest,
        false => nominal,
    };
    let frame_rate = |step: u32| (frames_per_second / f64::from(step) * 1000.0).round() / 1000.0;
    // RFC 8216, section 4.3.4.1.1: groups of one type have the same members. So there is one, and CODECS has what any of
    // them needs.
    let sounds = audio.iter().flat_map(|(track, _, formats)| {
        let formats = formats.iter().map(|format| (*format).to_owned());
        iter::once(track.format.codecs()).chain(formats)
    });
    let sounds = once_each(sounds);
    let heard = |bits: fn(&Rate) -> u64| audio.iter().map(|(_, rate, _)| bits(rate)).max();
    let peak = heard(Rate::peak).unwrap_or_default();
    let average = heard(Rate::average).unwrap_or_default();
    let alternatives = audio.iter().enumerate().map(|(index, (track, ..))| {
        let language = track.format.language.as_deref().map(language::tag);
        let first = index == 0;
        AlternativeMedia {
            media_type: AlternativeMediaType::Audio,
            uri: Some(format!("{}/{media}", track.name())),
            group_id: GROUP.to_owned(),
            name: match &language {
                Some(language) => format!("{} ({language})", index + 1),
                None => (index + 1).to_string(),
            },
            language,
            default: first,
            autoselect: true,
            channels: Some(track.format.channels.to_string()),
            assoc_language: None,
            forced: false,
            instream_id: None,
            characteristics: None,
            other_attributes: None,
        }
    });
    let range = HashMap::from([(
        "VIDEO-RANGE".to_owned(),
        QuotedOrUnquoted::Unquoted(video_range(source.colour).to_owned()),
    )]);
    let variant = |(track, rate, formats): &Listed<Track>, heard: bool| {
        let sounds = if heard { &sounds[..] } else { &[] };
        // Init segments do not say the colours that `CODECS` goes on with.
        let others = formats
            .iter()
            .filter(|format| !track.codecs.starts_with(**format));
        let pictures = iter::once(track.codecs.as_str()).chain(others.copied());
        let codecs = once_each(pictures.chain(sounds.iter().map(String::as_str)));
        let (peak, average) = if heard { (peak, average) } else { (0, 0) };
        let average = rate.average() + average;
        // The peak so far may be that of a black intro.
        let bandwidth = (rate.peak().max(track.floor) + peak).max(average);
        VariantStream {
            uri: format!("{}/{media}", track.name()),
            bandwidth,
            average_bandwidth: Some(average),
            codecs: Some(codecs.join(",")),
            resolution: Some(Resolution {
                width: track.width.into(),
                height: track.height.into(),
            }),
            frame_rate: Some(frame_rate(track.step)),
            audio: heard.then(|| GROUP.to_owned()),
            other_attributes: Some(range.clone()),
            ..VariantStream::default()
        }
    };
    let loud = video.iter().map(|track| variant(track, !audio.is_empty()));
    // Browsers play no MP3 out of MP4, and no variant that has any: they get the pictures alone.
    let mp3 = sounds.iter().any(|codecs| is_mp3(codecs));
    let silent = video
        .iter()
        .filter(|_| mp3)
        .map(|track| variant(track, false));
    let playlist = MasterPlaylist {
        version: Some(VERSION),
        variants: loud.chain(silent).collect(),
        alternatives: alternatives.collect(),
        independent_segments: true,
        ..MasterPlaylist::default()
    };
    let mut out = Vec::new();
    // Writing to a Vec does not fail.
    let _ = playlist.write_to(&mut out);
    out
}

/// In their order, without those that came before.
fn once_each<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// By the transfer function (ITU-T H.273): 16 is PQ, 18 HLG.
fn video_range(colour: [u8; 3]) -> &'static str {
    match colour[1] {
        16 => "PQ",
        18 => "HLG",
        _ => "SDR",
    }
}
