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
    starts(unit).find_map(|at| kind.slice(unit[at]))
}

/// Where there is the first byte of a unit of the abstraction layer, behind a start code.
fn starts(unit: &[u8]) -> impl Iterator<Item = usize> {
    let windows = unit.windows(4).enumerate();
    windows.filter_map(|(at, window)| window.starts_with(&[0, 0, 1]).then_some(at + 3))
}

/// What an access unit says before its first slice.
pub(crate) struct Heads<'a> {
    /// Parameter sets, without start codes.
    pub sets: Vec<&'a [u8]>,
    /// Where more of them can be put: behind the delimiter, which comes first if there is one.
    pub room: usize,
}

impl VideoKind {
    /// Of a slice whether it is of an IDR picture, by its first byte.
    fn slice(self, head: u8) -> Option<bool> {
        match (self, self.number(head)) {
            (Self::H264, 5) | (Self::Hevc, 19 | 20) => Some(true),
            (Self::H264, 1..=4) | (Self::Hevc, 0..=31) => Some(false),
            _ => None,
        }
    }

    /// The type of a unit of the abstraction layer (H.264, table 7-1; H.265, table 7-1).
    pub(crate) fn number(self, head: u8) -> u8 {
        match self {
            Self::H264 => head & 0x1f,
            Self::Hevc => head >> 1 & 0x3f,
        }
    }

    /// Types of the parameter sets without which nothing is decoded, and of an access unit's delimiter.
    pub(crate) fn needed(self) -> (&'static [u8], u8) {
        match self {
            Self::H264 => (&[7, 8], 9),
            Self::Hevc => (&[32, 33, 34], 35),
        }
    }

    /// What an access unit says before its first slice.
    pub(crate) fn heads(self, unit: &[u8]) -> Heads<'_> {
        let (needed, delimiter) = self.needed();
        // Of H.264 also those of other layers and pictures, which are nothing without the others.
        let more: &[u8] = match self {
            Self::H264 => &[13, 15],
            Self::Hevc => &[],
        };
        let mut found = Heads {
            sets: Vec::new(),
            room: 0,
        };
        let mut starts = starts(unit).peekable();
        while let Some(at) = starts.next() {
            let head = unit[at];
            if self.slice(head).is_some() {
                break;
            }
            let number = self.number(head);
            // Zeros before the next start code belong to that.
            let end = starts.peek().map_or(unit.len(), |next| next - 3);
            let zeros = unit[at..end].iter().rev().take_while(|&&byte| byte == 0);
            let end = end - zeros.count();
            if needed.contains(&number) || more.contains(&number) {
                found.sets.push(&unit[at..end]);
            } else if number == delimiter && found.sets.is_empty() {
                found.room = end;
            }
        }
        found
    }
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

    #[test]
    fn parameter_sets_are_found_before_the_first_slice() {
        let unit = [
            0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 4, 0, 0,
            1, 0x68, 5,
        ];
        let heads = VideoKind::H264.heads(&unit);
        assert_eq!(heads.sets, [&[0x67, 1, 2][..], &[0x68, 3]]);
        assert_eq!(heads.room, 6);
        let hevc = [0, 0, 1, 0x40, 1, 7, 0, 0, 1, 0x42, 1, 0, 0, 1, 0x26, 1];
        let heads = VideoKind::Hevc.heads(&hevc);
        assert_eq!(heads.sets, [&[0x40, 1, 7][..], &[0x42, 1]]);
        assert_eq!(heads.room, 0);
        assert!(VideoKind::H264.heads(&[0, 0, 1]).sets.is_empty());
    }
}
