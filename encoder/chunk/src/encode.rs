//! rav1e, configured so that its output depends on frames and settings alone.

use rav1e::prelude::{
    ChromaSampling, Config, Context, EncoderConfig, EncoderStatus, Frame, PixelRange,
    PredictionModesSetting, Rational, SceneDetectionSpeed, SegmentationLevel, SpeedSettings,
};

use crate::colour;
use crate::error::ChunkError;
use crate::level::level;
use crate::scale::{Sample, Scaler};
use crate::settings::{RenditionSettings, SourceFormat};

/// A chunk's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedChunk {
    /// Low-overhead OBU stream: the temporal units one after the other. Its BLAKE3 is the leaf's `output_hash`.
    pub obus: Vec<u8>,
    /// Bytes of each temporal unit; one unit shows one frame that was kept, in display order.
    pub units: Vec<u32>,
}

/// Scales and encodes one chunk.
///
/// `frames` are raw planar frames of `source`, all of the chunk's frames in order: the first becomes the key frame. Those
/// between each `frame_step`-th are left out.
///
/// # Errors
/// Settings outside their ranges, a frame of another length, or a failure inside rav1e. rav1e may still panic on an
/// input that breaks one of its assertions; callers run it where a panic is survivable.
pub fn encode_chunk(
    frames: &[&[u8]],
    source: &SourceFormat,
    rendition: &RenditionSettings,
) -> Result<EncodedChunk, ChunkError> {
    source.validate()?;
    rendition.validate(source)?;
    if frames.is_empty() {
        return Err(ChunkError::NoFrames);
    }
    let expected = source.frame_bytes();
    if let Some((index, frame)) = frames.iter().enumerate().find(|(_, f)| f.len() != expected) {
        return Err(ChunkError::FrameLength {
            index,
            found: frame.len(),
            expected,
        });
    }
    let kept: Vec<&[u8]> = frames
        .iter()
        .copied()
        .step_by(rendition.frame_step.into())
        .collect();
    let scaler = Scaler::new(source, rendition);
    if source.bit_depth > 8 {
        let context = context::<u16>(kept.len(), source, rendition)?;
        run(context, &kept, source, &scaler)
    } else {
        let context = context::<u8>(kept.len(), source, rendition)?;
        run(context, &kept, source, &scaler)
    }
}

/// A context of rav1e's for a chunk of so many frames, whose samples `T` holds: public for measurements of rav1e alone.
///
/// # Errors
/// Settings outside their ranges, or such as rav1e refuses.
pub fn context<T: Sample>(
    frames: usize,
    source: &SourceFormat,
    rendition: &RenditionSettings,
) -> Result<Context<T>, ChunkError> {
    let config = Config::new()
        .with_encoder_config(configuration(frames, source, rendition)?)
        .with_threads(1);
    // It asserts that the sample type holds the bit depth.
    config.new_context().map_err(ChunkError::Refused)
}

/// rav1e's configuration for a chunk of so many frames.
fn configuration(
    frames: usize,
    source: &SourceFormat,
    rendition: &RenditionSettings,
) -> Result<EncoderConfig, ChunkError> {
    let mut config = EncoderConfig::with_speed_preset(rendition.speed);
    config.width = rendition.width.into();
    config.height = rendition.height.into();
    let duration = u64::from(source.fps_den) * u64::from(rendition.frame_step);
    config.time_base = Rational::new(duration, source.fps_num.into());
    config.bit_depth = source.bit_depth.into();
    config.chroma_sampling = ChromaSampling::Cs420;
    config.level_idx = Some(level(source, rendition));
    config.pixel_range = if source.full_range {
        PixelRange::Full
    } else {
        PixelRange::Limited
    };
    config.color_description = colour::description(source.colour)?;
    config.min_key_frame_interval = frames as u64;
    config.max_key_frame_interval = frames as u64;
    config.low_latency = rendition.low_latency;
    config.quantizer = rendition.quantizer.into();
    // At most 65,535,000 bits a second.
    config.bitrate = i32::from(rendition.bitrate_kbps) * 1000;
    config.tile_cols = 1 << rendition.tile_cols_log2;
    config.tile_rows = 1 << rendition.tile_rows_log2;
    adjust(&mut config.speed_settings, rendition.speed);
    Ok(config)
}

/// What differs from rav1e's preset of that speed; docs/costs.md has what it saves.
fn adjust(settings: &mut SpeedSettings, speed: u8) {
    // Scene detection has been nondeterministic at speed 10.
    settings.scene_detection_mode = SceneDetectionSpeed::None;
    // Off, it turns on the weighing of blocks by how much later frames refer to them, as the `rav1e` program does.
    settings.transform.tx_domain_distortion = false;
    // Its quantizers for parts of a picture work against that weighing, and cost bits.
    settings.segmentation = SegmentationLevel::Disabled;
    if speed >= 6 {
        // It needs the reduced set of transforms, which begins here. What it saves pays for the rest.
        settings.transform.enable_inter_tx_split = true;
        settings.prediction.prediction_modes = PredictionModesSetting::Simple;
        settings.prediction.fine_directional_intra = false;
        settings.motion.use_satd_subpel = false;
    }
}

fn run<T: Sample>(
    context: Context<T>,
    frames: &[&[u8]],
    source: &SourceFormat,
    scaler: &Scaler,
) -> Result<EncodedChunk, ChunkError> {
    let mut input = frames.iter();
    drive(context, frames.len(), |context| {
        let raw = input.next()?;
        Some(scaled(context, raw, source, scaler))
    })
}

/// Encodes frames that are rav1e's already: for measurements of rav1e alone, compiled as the rest of this crate is.
///
/// `frames` are 8-bit, of the rendition's size, and all of the chunk's.
///
/// # Errors
/// As [`encode_chunk`].
pub fn encode_frames(
    frames: Vec<Frame<u8>>,
    source: &SourceFormat,
    rendition: &RenditionSettings,
) -> Result<EncodedChunk, ChunkError> {
    let count = frames.len();
    let context = context(count, source, rendition)?;
    let mut input = frames.into_iter();
    drive(context, count, |_| input.next())
}

/// Feeds a context with `next` until all of `frames` have come out.
fn drive<T: Sample>(
    mut context: Context<T>,
    frames: usize,
    mut next: impl FnMut(&Context<T>) -> Option<Frame<T>>,
) -> Result<EncodedChunk, ChunkError> {
    let mut output = EncodedChunk {
        obus: Vec::new(),
        units: Vec::with_capacity(frames),
    };
    loop {
        match context.receive_packet() {
            Ok(packet) => {
                output.units.push(packet.data.len() as u32);
                output.obus.extend_from_slice(&packet.data);
            }
            Err(EncoderStatus::Encoded) => {}
            Err(EncoderStatus::NeedMoreData) => {
                let sent = match next(&context) {
                    Some(frame) => context.send_frame(frame),
                    None => context.send_frame(None),
                };
                sent.map_err(|status| stopped(frames, &output, status))?;
            }
            Err(EncoderStatus::LimitReached) if output.units.len() == frames => {
                return Ok(output);
            }
            Err(status) => return Err(stopped(frames, &output, status)),
        }
    }
}

fn stopped(frames: usize, output: &EncodedChunk, status: EncoderStatus) -> ChunkError {
    ChunkError::Encoder {
        frames,
        packets: output.units.len(),
        status: status.to_string(),
    }
}

fn scaled<T: Sample>(
    context: &Context<T>,
    raw: &[u8],
    source: &SourceFormat,
    scaler: &Scaler,
) -> Frame<T> {
    let mut frame = context.new_frame();
    let mut rest = raw;
    for (index, (width, height)) in source.planes().into_iter().enumerate() {
        let (plane, after) = rest.split_at(width * height * T::BYTES);
        rest = after;
        let target = &mut frame.planes[index];
        let stride = target.cfg.stride;
        let data = target.data_origin_mut();
        scaler.plane(plane, index, |y, row: &[T]| {
            data[y * stride..y * stride + row.len()].copy_from_slice(row);
        });
    }
    frame
}
