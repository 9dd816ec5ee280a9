//! Fragmented MP4 as CMAF has it: one track a file, one fragment a segment.

use std::num::NonZeroU32;

use shiguredo_mp4::boxes::{
    Brand, FtypBox, MfhdBox, MoofBox, SampleEntry, TfdtBox, TfhdBox, TrafBox, TrunBox, TrunSample,
};
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, Sample};
use shiguredo_mp4::{Decode, Encode, SampleFlags, TrackKind};

/// CMAF (ISO/IEC 23000-19, 7.2).
const CMAF: Brand = Brand::new(*b"cmfc");
const TRACK: u32 = 1;

/// What the MP4 writer refused.
pub(super) type Refused = Box<dyn std::error::Error + Send + Sync>;

/// The init segment of a track.
pub(super) fn init(
    kind: TrackKind,
    entry: &SampleEntry,
    timescale: u32,
) -> Result<Vec<u8>, Refused> {
    // A sample that is never written: the muxer learns the track from it.
    let sample = Sample {
        track_kind: kind,
        sample_entry: Some(entry.clone()),
        keyframe: true,
        timescale: NonZeroU32::new(timescale).unwrap_or(NonZeroU32::MIN),
        duration: 1,
        composition_time_offset: None,
        data_offset: 0,
        data_size: 1,
    };
    let mut muxer = Fmp4SegmentMuxer::new()?;
    muxer.create_media_segment_metadata(&[sample])?;
    let bytes = muxer.init_segment_bytes()?;
    let (mut brands, len) = FtypBox::decode(&bytes)?;
    brands.compatible_brands.push(CMAF);
    let mut out = brands.encode_to_vec()?;
    out.extend_from_slice(bytes.get(len..).unwrap_or_default());
    Ok(out)
}

/// One sample of a media segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub duration: u32,
    pub size: u32,
    pub key: bool,
}

/// A media segment: a fragment that is decoded at `start`, in ticks.
pub(super) fn media(
    sequence: u32,
    start: u64,
    pieces: &[Piece],
    bytes: &[u8],
) -> Result<Vec<u8>, Refused> {
    // Depends on no other sample, or on some (ISO/IEC 14496-12, 8.8.3.1).
    let flags = |key| SampleFlags::from_fields(0, if key { 2 } else { 1 }, 0, 0, 0, !key, 0);
    let samples: Vec<_> = pieces
        .iter()
        .map(|piece| TrunSample {
            duration: Some(piece.duration),
            size: Some(piece.size),
            flags: Some(flags(piece.key)),
            composition_time_offset: None,
        })
        .collect();
    let moof = |offset| MoofBox {
        mfhd_box: MfhdBox {
            sequence_number: sequence,
        },
        traf_boxes: vec![TrafBox {
            tfhd_box: TfhdBox {
                track_id: TRACK,
                base_data_offset: None,
                sample_description_index: None,
                default_sample_duration: None,
                default_sample_size: None,
                default_sample_flags: None,
                duration_is_empty: false,
                default_base_is_moof: true,
            },
            tfdt_box: Some(TfdtBox {
                version: 1,
                base_media_decode_time: start,
            }),
            trun_boxes: vec![TrunBox {
                data_offset: Some(offset),
                first_sample_flags: None,
                samples: samples.clone(),
            }],
            unknown_boxes: Vec::new(),
        }],
        unknown_boxes: Vec::new(),
    };
    // The offset has a fixed width: the first encoding tells it to the second.
    let len = moof(0).encode_to_vec()?.len();
    let mdat = u32::try_from(bytes.len() + 8)?;
    let mut out = moof(i32::try_from(len + 8)?).encode_to_vec()?;
    out.extend_from_slice(&mdat.to_be_bytes());
    out.extend_from_slice(b"mdat");
    out.extend_from_slice(bytes);
    Ok(out)
}
