//! What exactly turns frames into bytes.

/// Names everything besides frames and profile that decides an output bit; `encoderId` is its keccak.
///
/// Change it with every change of an encoder version, the scaler, the configuration or the mathematical functions.
pub const PIPELINE: &str = "assay pipeline 3; \
    frames: every frame_step-th of the chunk from its first; \
    scale: separable Keys cubic of sharpness 1/2 down and 3/5 up, 14-bit coefficients from exact rationals, 4 fractional bits between passes, \
    horizontal first, edges replicated, 4:2:0 left-sited; \
    encode: rav1e 0.8.1, one context a chunk, no scene detection, key frame at frame 0 only, constant quantizer, or \
    rav1e's one-pass rate control begun anew in each chunk with the quantizer as its upper limit and its default \
    reservoir, lowest admitting level, time base = duration of a kept frame, tune psychovisual, chroma position unknown, \
    the speed's preset without transform-domain distortion and without segmentation, from speed 6 also with split \
    inter transforms, simple prediction modes, no fine directional intra and no SATD in subpixel search; \
    math: libm 0.2.16; \
    output: low-overhead OBU, temporal units concatenated";
