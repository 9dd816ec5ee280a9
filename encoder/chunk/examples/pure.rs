//! The chunk encoder as a WebAssembly module that imports nothing: `scripts/pure-chunk.sh` builds it for
//! `wasm32-unknown-unknown`, where there is no thread, file, clock, network nor C library, checks that its list of imports
//! is empty, and has it encode conformance vectors.
#![allow(unsafe_code)] // Exporting a name is "unsafe" to the language; nothing here is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_chunk::{RenditionSettings, SourceFormat, encode_chunk};

/// Frames going in, one after the other; then the chunk coming out.
static BUFFER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn buffer() -> MutexGuard<'static, Vec<u8>> {
    BUFFER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the buffer `len` bytes long and says where it is.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(len: u32) -> u32 {
    let mut buffer = buffer();
    buffer.clear();
    buffer.resize(len as usize, 0);
    buffer.as_ptr() as usize as u32
}

/// Encodes the buffer's frames as one chunk; the buffer then holds its bytes. Gives their number, or 0 where that fails.
#[unsafe(no_mangle)]
pub extern "C" fn encode(
    source_size: u32,
    depth: u32,
    range_and_colour: u32,
    fps_num: u32,
    fps_den: u32,
    size: u32,
    settings: u32,
    rate: u32,
) -> u32 {
    let byte = |word: u32, index: u32| (word >> (8 * index)) as u8;
    let (high, low) = (|word: u32| (word >> 16) as u16, |word: u32| word as u16);
    let source = SourceFormat {
        width: high(source_size),
        height: low(source_size),
        bit_depth: depth as u8,
        full_range: byte(range_and_colour, 3) != 0,
        colour: [2, 1, 0].map(|index| byte(range_and_colour, index)),
        fps_num,
        fps_den,
    };
    let rendition = RenditionSettings {
        width: high(size),
        height: low(size),
        speed: byte(settings, 3),
        quantizer: byte(settings, 2),
        low_latency: byte(settings, 1) != 0,
        tile_cols_log2: byte(settings, 0) >> 4,
        tile_rows_log2: byte(settings, 0) & 15,
        bitrate_kbps: high(rate),
        frame_step: low(rate) as u8,
    };
    let mut buffer = buffer();
    let frames: Vec<&[u8]> = buffer.chunks(source.frame_bytes().max(1)).collect();
    let chunk = encode_chunk(&frames, &source, &rendition);
    *buffer = chunk.map(|chunk| chunk.obus).unwrap_or_default();
    buffer.len() as u32
}

/// Where the buffer is now.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> u32 {
    buffer().as_ptr() as usize as u32
}
