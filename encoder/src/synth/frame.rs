//! The picture itself, by integers alone. Frozen: the conformance vectors are made of it.

/// One 8-bit 4:2:0 frame by an integer formula: a drifting gradient, a turning checkerboard of slow noise and a box that
/// bounces. Frozen: the conformance vectors are made of it.
pub fn frame(width: u32, height: u32, index: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity((width * height * 3 / 2) as usize);
    let bounce = |range: u32, step: u32| {
        let at = index.wrapping_mul(step) % (2 * range).max(1);
        at.min((2 * range).saturating_sub(at))
    };
    let (side, left, top) = (
        height / 4,
        bounce(width - height / 4, 5),
        bounce(height - height / 4, 3),
    );
    for y in 0..height {
        for x in 0..width {
            let inside = (left..left + side).contains(&x) && (top..top + side).contains(&y);
            let gradient = (x + 2 * y + 3 * index) / 4 % 160 + 40;
            let grain =
                (x / 2).wrapping_mul(73) ^ (y / 2).wrapping_mul(151) ^ (index / 4).wrapping_mul(19);
            let texture = if (x / 32 + y / 32 + index / 16).is_multiple_of(2) {
                grain % 24
            } else {
                0
            };
            out.push(if inside {
                220 - (grain % 8) as u8
            } else {
                (gradient + texture) as u8
            });
        }
    }
    for plane in 0..2 {
        for y in 0..height.div_ceil(2) {
            for x in 0..width.div_ceil(2) {
                let value = if plane == 0 { x + index } else { y + 2 * index };
                out.push((value / 3 % 96 + 80) as u8);
            }
        }
    }
    out
}

/// An 8-bit frame as 10 bits, little-endian: `4·v + (i mod 4)` for sample i, so that the low bits carry something.
pub fn widen(frame: &[u8]) -> Vec<u8> {
    frame
        .iter()
        .enumerate()
        .flat_map(|(i, &v)| (4 * u16::from(v) + (i % 4) as u16).to_le_bytes())
        .collect()
}
