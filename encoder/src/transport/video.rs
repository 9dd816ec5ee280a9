//! Which frames a stream can be cut at.

/// Video codecs whose frames are told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoKind {
    /// H.264.
    H264,
    /// H.265.
    Hevc,
}

impl VideoKind {
    /// Whether decoding can begin with this access unit and nothing after it refers to anything before: an IDR picture
    /// (H.264, 7.4.1.2.4; H.265, 7.4.2.2). Other random access points may have leading pictures that do.
    pub fn is_closed(self, unit: &[u8]) -> bool {
        first_slice(self, unit) == Some(true)
    }
}

/// Whether the first slice of a unit is of an IDR picture.
fn first_slice(kind: VideoKind, unit: &[u8]) -> Option<bool> {
    let starts = unit
        .windows(4)
        .filter(|window| window.starts_with(&[0, 0, 1]))
        .map(|window| window[3]);
    starts
        .filter_map(|header| match kind {
            VideoKind::H264 => match header & 0x1f {
                5 => Some(true),
                1..=4 => Some(false),
                _ => None,
            },
            VideoKind::Hevc => match header >> 1 & 0x3f {
                19 | 20 => Some(true),
                0..=31 => Some(false),
                _ => None,
            },
        })
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slice_decides() {
        let idr = [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x65, 3];
        assert!(VideoKind::H264.is_closed(&idr));
        assert!(!VideoKind::H264.is_closed(&[0, 0, 1, 0x41, 0, 0, 1, 0x65]));
        assert!(!VideoKind::H264.is_closed(&[0, 0, 1]));
        assert!(VideoKind::Hevc.is_closed(&[0, 0, 1, 0x40, 1, 0, 0, 1, 0x26, 1]));
        // A clean random access picture has leading pictures.
        assert!(!VideoKind::Hevc.is_closed(&[0, 0, 1, 0x2a, 1]));
    }
}
