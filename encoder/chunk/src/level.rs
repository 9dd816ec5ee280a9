//! The level that a sequence header states: the lowest that admits the picture (AV1 specification, annex A.3, main tier).

use crate::settings::{RenditionSettings, SourceFormat};

/// `seq_level_idx`, most luma samples, width, height, displayed samples a second, tiles, tile columns.
#[rustfmt::skip]
const LEVELS: [(u8, u64, u16, u16, u64, u32, u32); 12] = [
    ( 0,    147_456,  2_048, 1_152,     4_423_680,   8,  4),
    ( 1,    278_784,  2_816, 1_584,     8_363_520,   8,  4),
    ( 4,    665_856,  4_352, 2_448,    19_975_680,  16,  6),
    ( 5,  1_065_024,  5_504, 3_096,    31_950_720,  16,  6),
    ( 8,  2_359_296,  6_144, 3_456,    70_778_880,  32,  8),
    ( 9,  2_359_296,  6_144, 3_456,   141_557_760,  32,  8),
    (12,  8_912_896,  8_192, 4_352,   267_386_880,  64,  8),
    (13,  8_912_896,  8_192, 4_352,   534_773_760,  64,  8),
    (14,  8_912_896,  8_192, 4_352, 1_069_547_520,  64,  8),
    (16, 35_651_584, 16_384, 8_704, 1_069_547_520, 128, 16),
    (17, 35_651_584, 16_384, 8_704, 2_139_095_040, 128, 16),
    (18, 35_651_584, 16_384, 8_704, 4_278_190_080, 128, 16),
];
/// "Maximum parameters": no level admits it.
const UNBOUNDED: u8 = 31;

/// The level of a rendition of a source.
pub(crate) fn level(source: &SourceFormat, rendition: &RenditionSettings) -> u8 {
    let samples = u64::from(rendition.width) * u64::from(rendition.height);
    let displayed = u128::from(samples) * u128::from(source.fps_num);
    let duration = u128::from(source.fps_den) * u128::from(rendition.frame_step);
    // rav1e 0.8 holds the reciprocal of the frame rate against the level as well, and refuses one that does not admit that:
    // of 1080p slower than a frame in 34 s the level is higher than it need be.
    let upside_down = u128::from(samples) * duration;
    let columns = 1u32 << rendition.tile_cols_log2;
    let tiles = columns << rendition.tile_rows_log2;
    let admits = |&&(_, size, width, height, rate, max_tiles, max_columns): &&(
        u8,
        u64,
        u16,
        u16,
        u64,
        u32,
        u32,
    )| {
        samples <= size
            && rendition.width <= width
            && rendition.height <= height
            && displayed <= u128::from(rate) * duration
            && upside_down <= u128::from(rate) * u128::from(source.fps_num)
            && tiles <= max_tiles
            && columns <= max_columns
    };
    LEVELS
        .iter()
        .find(admits)
        .map_or(UNBOUNDED, |level| level.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_sizes_have_their_level() {
        let source = |fps_num| SourceFormat {
            width: 1920,
            height: 1080,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num,
            fps_den: 1,
        };
        let size = |width, height| RenditionSettings {
            width,
            height,
            ..RenditionSettings::default()
        };
        assert_eq!(level(&source(30), &size(320, 180)), 0);
        assert_eq!(level(&source(30), &size(640, 360)), 1);
        assert_eq!(level(&source(60), &size(640, 360)), 4);
        assert_eq!(level(&source(30), &size(1280, 720)), 5);
        assert_eq!(level(&source(30), &size(1920, 1080)), 8);
        assert_eq!(level(&source(60), &size(3840, 2160)), 13);
        assert_eq!(level(&source(30), &size(65_535, 16)), 31);
        let half_rate = RenditionSettings {
            frame_step: 2,
            ..size(640, 360)
        };
        assert_eq!(level(&source(60), &half_rate), 1);
        let slow = |fps_den| SourceFormat {
            fps_den,
            ..source(1)
        };
        assert_eq!(level(&slow(34), &size(1920, 1080)), 8);
        assert_eq!(level(&slow(35), &size(1920, 1080)), 9);
        assert_eq!(level(&slow(1000), &size(3840, 2160)), 31);
    }
}
