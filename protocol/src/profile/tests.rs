use super::*;

fn ladder() -> Profiles {
    let rendition = Rendition::plain(640, 360, 10, 100);
    let source = SourceFormat::plain(640, 360, 30);
    Profiles {
        chunk_frames: 15,
        source,
        renditions: vec![
            rendition,
            Rendition {
                width: 320,
                height: 180,
                ..rendition
            },
        ],
    }
}

#[test]
fn left_out_frames_are_left_out_of_every_chunk_alike() {
    let mut profiles = ladder();
    profiles.renditions[1].frame_step = 3;
    profiles.renditions[1].bitrate_kbps = 700;
    assert_eq!(profiles.validate(), Ok(()));
    let bytes = profiles.to_bytes();
    assert_eq!(bytes[bytes.len() - 3..], [0x02, 0xbc, 2]);
    assert_eq!(Profiles::from_bytes(&bytes), Ok(profiles.clone()));
    for frames in [1, 2, 3, 4, 15, 16, 17, 18, 60, 61] {
        let shown: u32 = (0..profiles.chunks(frames))
            .map(|c| {
                let source = profiles.frames_of(c, frames).len() as u32;
                profiles.renditions[1].frames(source)
            })
            .sum();
        assert_eq!(shown, profiles.renditions[1].frames(frames), "{frames}");
    }
    for step in [0, 2, 4, 16, 255] {
        profiles.renditions[1].frame_step = step;
        let found = profiles.validate().unwrap_err();
        assert!(
            matches!(
                found,
                ProfileError::Range {
                    field: "frame step",
                    ..
                }
            ),
            "{found}"
        );
        assert_eq!(Profiles::from_bytes(&profiles.to_bytes()), Err(found));
    }
}

#[test]
fn frame_rates_have_bounds() {
    let mut profiles = ladder();
    let mut check = |num, den| {
        (profiles.source.fps_num, profiles.source.fps_den) = (num, den);
        let read = Profiles::from_bytes(&profiles.to_bytes()).map(drop);
        assert_eq!(read, profiles.validate());
        read
    };
    for (num, den) in [
        (1000, 1),
        (1, 1000),
        (30_000, 1001),
        (u32::MAX, u32::MAX),
        (u32::MAX, 5_000_000),
    ] {
        assert_eq!(check(num, den), Ok(()), "{num}/{den}");
    }
    for (num, den, found) in [
        (1001, 1, 1001),
        (2001, 2, 1001),
        (1, 1001, 0),
        (u32::MAX, 1, u64::from(u32::MAX)),
        (1, u32::MAX, 0),
    ] {
        let expected = ProfileError::Range {
            field: "frames a second",
            found,
            expected: "1/1000 to 1000",
        };
        assert_eq!(check(num, den), Err(expected), "{num}/{den}");
    }
}

#[test]
fn bytes_have_one_reading() {
    let bytes = ladder().to_bytes();
    assert_eq!(bytes.len(), 21 + 24);
    assert_eq!(Profiles::from_bytes(&bytes), Ok(ladder()));
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 0x80;
        if let Ok(read) = Profiles::from_bytes(&other) {
            assert_eq!(read.to_bytes(), other);
        }
    }
    assert!(Profiles::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Profiles::from_bytes(&[]).is_err());
}

#[test]
fn chunks_cover_every_frame_once() {
    let profiles = ladder();
    for frames in [1, 14, 15, 16, 60, 61] {
        let covered: u32 = (0..profiles.chunks(frames))
            .map(|c| profiles.frames_of(c, frames).len() as u32)
            .sum();
        assert_eq!(covered, frames);
        assert_eq!(profiles.leaf_count(frames), Some(2 * frames.div_ceil(15)));
    }
}

#[test]
fn a_segment_has_at_most_as_many_leaves_as_fit_a_receipt() {
    let mut profiles = ladder();
    profiles.chunk_frames = 1;
    assert_eq!(profiles.leaf_count(0), None);
    assert_eq!(profiles.leaf_count(MAX_LEAVES / 2), Some(MAX_LEAVES));
    assert_eq!(profiles.leaf_count(MAX_LEAVES / 2 + 1), None);
    // Twice this is 2 when it wraps.
    assert_eq!(profiles.leaf_count((1 << 31) + 1), None);
    profiles.chunk_frames = u16::MAX;
    assert_eq!(profiles.leaf_count(MAX_FRAMES), Some(2));
    assert_eq!(profiles.leaf_count(MAX_FRAMES + 1), None);
}
