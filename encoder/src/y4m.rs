//! YUV4MPEG2: the raw format that is read without FFmpeg, and in which FFmpeg hands frames over.
//!
//! Reference: `yuv4mpeg(5)` of mjpegtools; `C420p10` is FFmpeg's extension, two little-endian bytes a sample.

use std::io::{self, BufRead, Read, Write};

/// First bytes of every stream.
pub const MAGIC: &[u8] = b"YUV4MPEG2";
const FRAME: &[u8] = b"FRAME";
/// Longest header line read, with its end.
pub(crate) const MAX_LINE: u64 = 1024;

/// The stream header, 4:2:0 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Luma samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 8 or 10.
    pub bit_depth: u8,
    /// Frames per second; 0:0 when the header does not say.
    pub fps: (u32, u32),
    /// Whether `XCOLORRANGE=FULL` was given.
    pub full_range: bool,
}

/// Why a stream is not readable Y4M.
#[derive(Debug, thiserror::Error)]
pub enum Y4mError {
    /// The stream cannot be read.
    #[error("reading Y4M: {0}")]
    Io(#[from] io::Error),
    /// It does not start as Y4M does.
    #[error("not Y4M: starts with {0:?}")]
    Magic(String),
    /// A header field that makes no sense or is missing.
    #[error("Y4M header: {0:?}, expected W, H and 4:2:0 with 8 or 10 bits")]
    Header(String),
    /// A picture of no size, or of more than there can be.
    #[error("Y4M header: {0:?}, expected W and H of 1 to 65535")]
    Size(String),
    /// A line of text without an end.
    #[error("Y4M: a header of more than {MAX_LINE} bytes")]
    Long,
    /// Frames that FFmpeg did not write in full.
    #[error(
        "Y4M frame {frame} has a byte too few in each row of chroma, as FFmpeg writes 10 bits of odd width; use another format, \
         such as FFV1 in Matroska"
    )]
    Short {
        /// Index of the frame.
        frame: u64,
    },
    /// Something else where a frame should begin.
    #[error("Y4M frame {frame}: {found:?} where FRAME should be")]
    Frame {
        /// Index of the frame.
        frame: u64,
        /// What is there.
        found: String,
    },
    /// The stream ends inside a frame.
    #[error("cut off inside frame {frame}: {found} of its {expected} bytes are there")]
    CutOff {
        /// Index of the frame.
        frame: u64,
        /// Bytes present.
        found: usize,
        /// Bytes of a frame.
        expected: usize,
    },
}

impl Header {
    /// Parses the header line, without its newline.
    pub fn parse(line: &[u8]) -> Result<Self, Y4mError> {
        let text = String::from_utf8_lossy(line).into_owned();
        let mut fields = text.split(' ');
        if fields.next().map(str::as_bytes) != Some(MAGIC) {
            return Err(Y4mError::Magic(text.chars().take(16).collect()));
        }
        let bad = || Y4mError::Header(text.clone());
        let size = || Y4mError::Size(text.clone());
        let mut header = Self {
            width: 0,
            height: 0,
            bit_depth: 8,
            fps: (0, 0),
            full_range: false,
        };
        for field in fields.filter(|f| !f.is_empty()) {
            let (tag, value) = field.split_at_checked(1).ok_or_else(bad)?;
            match tag {
                "W" => header.width = value.parse().map_err(|_| size())?,
                "H" => header.height = value.parse().map_err(|_| size())?,
                "F" => {
                    let (num, den) = value.split_once(':').ok_or_else(bad)?;
                    header.fps = (
                        num.parse().map_err(|_| bad())?,
                        den.parse().map_err(|_| bad())?,
                    );
                }
                "C" => match value {
                    "420" | "420jpeg" | "420mpeg2" | "420paldv" => header.bit_depth = 8,
                    "420p10" => header.bit_depth = 10,
                    _ => return Err(bad()),
                },
                "X" if value == "COLORRANGE=FULL" => header.full_range = true,
                _ => {}
            }
        }
        if header.width == 0
            || header.height == 0
            || header.width > 65_535
            || header.height > 65_535
        {
            return Err(size());
        }
        Ok(header)
    }

    /// Width to height of a pixel, by the same line; 1:1 when it does not say.
    pub fn pixel_aspect(line: &[u8]) -> (u32, u32) {
        let field = line
            .split(|&b| b == b' ')
            .skip(1)
            .find_map(|f| f.strip_prefix(b"A"));
        let text = field.and_then(|f| std::str::from_utf8(f).ok());
        let ratio = text.and_then(|t| t.trim_end().split_once(':'));
        match ratio.map(|(num, den)| (num.parse(), den.parse())) {
            Some((Ok(num), Ok(den))) if num > 0 && den > 0 => (num, den),
            _ => (1, 1),
        }
    }

    /// The header line, with its newline.
    pub fn line(&self) -> String {
        let range = if self.full_range {
            " XCOLORRANGE=FULL"
        } else {
            ""
        };
        let chroma = if self.bit_depth > 8 {
            "420p10 XYSCSS=420P10"
        } else {
            "420mpeg2 XYSCSS=420MPEG2"
        };
        let (w, h, (num, den)) = (self.width, self.height, self.fps);
        format!("YUV4MPEG2 W{w} H{h} F{num}:{den} Ip A1:1 C{chroma}{range}\n")
    }

    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        let (w, h) = (self.width as usize, self.height as usize);
        let samples = w * h + 2 * w.div_ceil(2) * h.div_ceil(2);
        samples * if self.bit_depth > 8 { 2 } else { 1 }
    }

    /// Whether these bytes, as many as a frame's where there are so many, are a shorter frame of FFmpeg's. What follows that in
    /// them is no sample of 10 bits.
    fn is_short(&self, read: &[u8]) -> bool {
        let lost = 2 * (self.height as usize).div_ceil(2);
        let (odd, written) = (self.width % 2 == 1, self.frame_bytes() - lost);
        let next = read.get(written..);
        self.bit_depth > 8 && odd && next.is_some_and(|n| n.is_empty() || n.starts_with(FRAME))
    }

    /// Bytes that [`write_frame`] writes of one.
    pub fn stored_frame_bytes(&self) -> u64 {
        (FRAME.len() + 1 + self.frame_bytes()) as u64
    }
}

/// Reads frames one by one.
pub struct Reader<R> {
    input: R,
    header: Header,
    bare: bool,
    frames: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header; `None` when the stream is empty.
    pub fn new(mut input: R) -> Result<Option<Self>, Y4mError> {
        let line = line(&mut input)?;
        if line.is_empty() {
            return Ok(None);
        }
        let first = first_line(&line)?.unwrap_or(&line);
        Ok(Some(Self {
            header: Header::parse(first.trim_ascii_end())?,
            input,
            bare: false,
            frames: 0,
        }))
    }

    /// Of frames one after the other, without a word of text.
    pub(crate) fn bare(input: R, header: Header) -> Self {
        Self {
            input,
            header,
            bare: true,
            frames: 0,
        }
    }

    /// The stream header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Frames read so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Appends the next frame to `out`; false at the end of the stream.
    pub fn read_frame(&mut self, out: &mut Vec<u8>) -> Result<bool, Y4mError> {
        if !self.bare && !self.text()? {
            return Ok(false);
        }
        let (expected, before) = (self.header.frame_bytes(), out.len());
        let found = (&mut self.input).take(expected as u64).read_to_end(out)?;
        if self.bare && found == 0 {
            return Ok(false);
        }
        if !self.bare && self.header.is_short(&out[before..]) {
            return Err(Y4mError::Short { frame: self.frames });
        }
        if found != expected {
            return Err(Y4mError::CutOff {
                frame: self.frames,
                found,
                expected,
            });
        }
        self.frames += 1;
        Ok(true)
    }

    /// Reads the line before a frame; false where there is none.
    fn text(&mut self) -> Result<bool, Y4mError> {
        let line = line(&mut self.input)?;
        if line.is_empty() {
            return Ok(false);
        }
        if !line.starts_with(FRAME) {
            let found = String::from_utf8_lossy(&line).chars().take(16).collect();
            return Err(Y4mError::Frame {
                frame: self.frames,
                found,
            });
        }
        whole(&line).map(|()| true)
    }
}

/// The header line of a stream that begins with these bytes, if it is Y4M.
pub(crate) fn first_line(start: &[u8]) -> Result<Option<&[u8]>, Y4mError> {
    if !start.starts_with(MAGIC) {
        return Ok(None);
    }
    let most = &start[..start.len().min(MAX_LINE as usize)];
    whole(most)?;
    Ok(most.split(|&b| b == b'\n').next())
}

/// A line that ends where the stream does is whole.
fn whole(line: &[u8]) -> Result<(), Y4mError> {
    match line.len() as u64 >= MAX_LINE && !line.contains(&b'\n') {
        true => Err(Y4mError::Long),
        false => Ok(()),
    }
}

fn line(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// Writes one frame.
pub fn write_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    to.write_all(FRAME)?;
    to.write_all(b"\n")?;
    to.write_all(frame)
}

#[cfg(test)]
mod tests;
