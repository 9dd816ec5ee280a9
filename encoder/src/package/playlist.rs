//! HLS playlists (RFC 8216).

use std::collections::HashMap;

use assay_protocol::profile::SourceFormat;
use m3u8_rs::{
    Map, MasterPlaylist, MediaPlaylist, MediaPlaylistType, MediaSegment, Resolution, VariantStream,
};

use super::track::Track;

pub(super) const INIT: &str = "init.mp4";
pub(super) const MEDIA: &str = "index.m3u8";
pub(super) const MULTIVARIANT: &str = "master.m3u8";

/// Version that admits `EXT-X-MAP` outside I-frame playlists and `EXT-X-INDEPENDENT-SEGMENTS`.
const VERSION: usize = 7;

/// The media playlist of one rendition.
pub(super) fn media(track: &Track, finished: bool) -> Vec<u8> {
    let longest = track.written.iter().map(|w| w.seconds).fold(0.0, f64::max);
    let map = Map {
        uri: INIT.into(),
        byte_range: None,
        other_attributes: HashMap::new(),
    };
    let segments = track
        .written
        .iter()
        .enumerate()
        .map(|(index, written)| MediaSegment {
            uri: written.name.clone(),
            duration: written.seconds as f32,
            discontinuity: written.gap,
            map: (index == 0).then(|| map.clone()),
            ..MediaSegment::default()
        });
    let playlist = MediaPlaylist {
        version: Some(VERSION),
        target_duration: longest.ceil().max(1.0) as u64,
        media_sequence: 0,
        segments: segments.collect(),
        playlist_type: Some(MediaPlaylistType::Event),
        independent_segments: true,
        end_list: finished,
        ..MediaPlaylist::default()
    };
    let mut out = Vec::new();
    // Writing to a Vec does not fail.
    let _ = playlist.write_to(&mut out);
    out
}

/// The multivariant playlist, with the bandwidth measured so far.
pub(super) fn multivariant(tracks: &[Track], source: &SourceFormat) -> Vec<u8> {
    // RFC 8216, section 4.3.4.2: rounded to three decimals.
    let frames_per_second = f64::from(source.fps_num) / f64::from(source.fps_den);
    let frame_rate = |step: u32| (frames_per_second / f64::from(step) * 1000.0).round() / 1000.0;
    let variants = tracks
        .iter()
        .filter(|t| !t.written.is_empty())
        .map(|track| {
            let rate = |bytes: usize, seconds: f64| (bytes as f64 * 8.0 / seconds).ceil() as u64;
            let bytes = track.written.iter().map(|w| w.bytes).sum();
            let seconds = track.written.iter().map(|w| w.seconds).sum();
            VariantStream {
                uri: format!("{}/{MEDIA}", track.name()),
                bandwidth: track
                    .written
                    .iter()
                    .map(|w| rate(w.bytes, w.seconds))
                    .max()
                    .unwrap_or_default(),
                average_bandwidth: Some(rate(bytes, seconds)),
                codecs: Some(track.codecs.clone()),
                resolution: Some(Resolution {
                    width: track.width.into(),
                    height: track.height.into(),
                }),
                frame_rate: Some(frame_rate(track.step)),
                ..VariantStream::default()
            }
        });
    let playlist = MasterPlaylist {
        version: Some(VERSION),
        variants: variants.collect(),
        independent_segments: true,
        ..MasterPlaylist::default()
    };
    let mut out = Vec::new();
    // Writing to a Vec does not fail.
    let _ = playlist.write_to(&mut out);
    out
}
