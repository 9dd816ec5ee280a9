//! CICP code points to rav1e's enums.

use rav1e::prelude::{
    ColorDescription, ColorPrimaries, MatrixCoefficients, TransferCharacteristics,
};

use crate::error::ChunkError;

const UNSPECIFIED: u8 = 2;

/// The colour description to signal; `None` when all three are unspecified.
///
/// Code points are those of ITU-T H.273 as AV1 admits them (AV1 specification, section 6.4.2). The identity matrix is
/// refused: AV1 allows it for 4:4:4 only.
pub(crate) fn description(colour: [u8; 3]) -> Result<Option<ColorDescription>, ChunkError> {
    if colour == [UNSPECIFIED; 3] {
        return Ok(None);
    }
    let bad = |field, found: u8| ChunkError::Setting {
        field,
        found: found.into(),
        expected: "an AV1 code point for 4:2:0 (2 is unspecified)",
    };
    Ok(Some(ColorDescription {
        color_primaries: primaries(colour[0]).ok_or(bad("colour primaries", colour[0]))?,
        transfer_characteristics: transfer(colour[1])
            .ok_or(bad("transfer characteristics", colour[1]))?,
        matrix_coefficients: matrix(colour[2]).ok_or(bad("matrix coefficients", colour[2]))?,
    }))
}

fn primaries(code: u8) -> Option<ColorPrimaries> {
    use ColorPrimaries::*;
    [
        BT709,
        Unspecified,
        BT470M,
        BT470BG,
        BT601,
        SMPTE240,
        GenericFilm,
        BT2020,
        XYZ,
        SMPTE431,
        SMPTE432,
        EBU3213,
    ]
    .into_iter()
    .find(|&p| p as u8 == code)
}

fn transfer(code: u8) -> Option<TransferCharacteristics> {
    use TransferCharacteristics::*;
    [
        BT709,
        Unspecified,
        BT470M,
        BT470BG,
        BT601,
        SMPTE240,
        Linear,
        Log100,
        Log100Sqrt10,
        IEC61966,
        BT1361,
        SRGB,
        BT2020_10Bit,
        BT2020_12Bit,
        SMPTE2084,
        SMPTE428,
        HLG,
    ]
    .into_iter()
    .find(|&t| t as u8 == code)
}

fn matrix(code: u8) -> Option<MatrixCoefficients> {
    use MatrixCoefficients::*;
    [
        BT709,
        Unspecified,
        FCC,
        BT470BG,
        BT601,
        SMPTE240,
        YCgCo,
        BT2020NCL,
        BT2020CL,
        SMPTE2085,
        ChromatNCL,
        ChromatCL,
        ICtCp,
    ]
    .into_iter()
    .find(|&m| m as u8 == code)
}
