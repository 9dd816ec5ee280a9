//! `CODECS` of multivariant playlists.

use crate::package::profiles;
use crate::playlists::{good, sound, timing};

use std::path::Path;
use std::time::Duration;

use assay_encoder::Packager;
use assay_encoder::package::{Keep, Sound, SoundCodec, SoundFormat};

/// The formats that a multivariant playlist says its variants need.
fn codecs(dir: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read(dir.join(name)).unwrap();
    let playlist = m3u8_rs::parse_master_playlist_res(&text).unwrap();
    let of_first_size = playlist.variants.iter().filter(|v| v.uri.starts_with("0_"));
    of_first_size.map(|v| v.codecs.clone().unwrap()).collect()
}

#[tokio::test]
async fn codecs_are_those_of_all_that_a_playlist_still_has() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Window {
        length: Duration::from_secs(4),
        archive: true,
    };
    let good = good().await;
    let open = || Packager::open(dir.path(), &profiles(), 0, keep).unwrap();
    let mut packager = open();
    let mp3 = |index| {
        let aac = sound(index, "eng").unwrap();
        let format = SoundFormat {
            codec: SoundCodec::Mp3,
            ..aac.format.clone()
        };
        Some(Sound { format, ..aac })
    };
    for index in 0..9 {
        let heard = match index {
            2 | 3 => mp3(index),
            _ => sound(index, "eng"),
        };
        packager
            .announce(index, timing(index), vec![heard])
            .unwrap();
        packager.add_segment(index, 30, &good).unwrap();
        let aac = vec!["av01.0.00M.08,mp4a.40.2"];
        // No browser plays MP3 out of MP4: the pictures alone are another variant.
        let both = vec!["av01.0.00M.08,mp4a.40.2,mp4a.6B", "av01.0.00M.08"];
        let newest = vec!["av01.0.00M.08,mp4a.6B,mp4a.40.2", "av01.0.00M.08"];
        let (archive, window) = match index {
            0 | 1 => (&aac, &aac),
            2 | 3 => (&newest, &newest),
            4..=6 => (&both, &both),
            _ => (&both, &aac),
        };
        assert_eq!(&codecs(dir.path(), "archive.m3u8"), archive, "{index}");
        assert_eq!(&codecs(dir.path(), "master.m3u8"), window, "{index}");
    }
    // A publisher that goes on knows what was there.
    let mut packager = open();
    packager
        .announce(9, timing(9), vec![sound(9, "eng")])
        .unwrap();
    packager.add_segment(9, 30, &good).unwrap();
    assert_eq!(codecs(dir.path(), "archive.m3u8").len(), 2);
    assert_eq!(codecs(dir.path(), "master.m3u8").len(), 1);
}

#[tokio::test]
async fn a_format_is_named_once_with_its_colours() {
    let dir = tempfile::tempdir().unwrap();
    let good = good().await;
    let mut profiles = profiles();
    profiles.source.colour = [6; 3];
    let mut packager = Packager::new(dir.path(), &profiles).unwrap();
    for index in 0..2 {
        packager.announce(index, timing(index), vec![]).unwrap();
        packager.add_segment(index, 30, &good).unwrap();
    }
    let once = ["av01.0.00M.08.0.110.06.06.06.0"];
    assert_eq!(codecs(dir.path(), "master.m3u8"), once);
}
