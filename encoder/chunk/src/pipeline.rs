//! What exactly turns frames into bytes.

/// Names everything besides frames and profile that decides an output bit; `encoderId` is its keccak.
///
/// Change it with every change of an encoder version, the scaler, the configuration or the mathematical functions.
pub const PIPELINE: &str = "assay pipeline 1; \
    scale: separable Catmull-Rom, 14-bit coefficients from exact rationals, 4 fractional bits between passes, \
    horizontal first, edges replicated, 4:2:0 left-sited; \
    encode: rav1e 0.8.1, one context a chunk, no scene detection, key frame at frame 0 only, constant quantizer, \
    lowest admitting level, time base = frame duration, tune psychovisual, chroma position unknown; \
    math: libm 0.2.16; \
    output: low-overhead OBU, temporal units concatenated";
