//! The whole path of a transcoder: source bytes to a receipt's root, through workers as a node runs them.

use std::path::Path;
use std::time::Duration;

use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::output_tree;
use tokio::task::JoinSet;

use crate::request::{EncodeRequest, Encoded};
use crate::workers::{Priority, Workers};

use super::BenchError;
use super::clip::Clip;
use super::usage::{Meter, Usage};

/// How many cores the path is given, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Segments worked on at the same time.
    pub segments: usize,
    /// Chunks of one segment encoded at the same time, where slots are free.
    pub threads: u16,
}

impl Load {
    /// As a busy node: the slots are the cores, which segments share as they come and go.
    pub fn filling(cores: usize, clip: &Clip) -> Self {
        Self {
            segments: cores.clamp(1, clip.segments.len().max(1)),
            threads: cores.max(1) as u16,
        }
    }
}

/// What one pass over the clip gave.
#[derive(Clone, Debug)]
pub struct Transcoded {
    /// Time of everything: starting workers, decoding, hashing, scaling, encoding, the receipt's tree.
    pub usage: Usage,
    /// Of the CPU time, that of decoding and hashing, as workers report it.
    pub decode_cpu: Duration,
    /// Of the CPU time, that of scaling and encoding, as workers report it.
    pub encode_cpu: Duration,
    /// What was made of each segment, in order.
    pub segments: Vec<Encoded>,
}

impl Transcoded {
    /// Bytes of all leaves.
    pub fn bytes(&self) -> u64 {
        let leaves = self.segments.iter().flat_map(|s| &s.leaves);
        leaves.map(|leaf| u64::from(leaf.output_len)).sum()
    }

    /// Writes a rendition of the whole clip as one low-overhead OBU stream.
    pub fn write(&self, rendition: u8, path: &Path) -> Result<(), BenchError> {
        let chunks = self.segments.iter().flat_map(|s| &s.leaves);
        let chunks = chunks.filter(|leaf| leaf.rendition == rendition);
        let bytes: Vec<u8> = chunks
            .filter_map(|leaf| leaf.bytes.as_deref())
            .flatten()
            .copied()
            .collect();
        std::fs::write(path, bytes).map_err(|source| BenchError::File {
            path: path.to_owned(),
            source,
        })
    }
}

/// The clip's size at this quality, in frame reordering mode.
pub fn same_size(clip: &Clip, chunk_frames: u16, speed: u8, quantizer: u8) -> Profiles {
    let SourceFormat { width, height, .. } = clip.format;
    let rendition = Rendition::plain(width, height, speed, quantizer);
    Profiles {
        chunk_frames,
        source: clip.format,
        renditions: vec![rendition],
    }
}

/// Transcodes every segment of the clip.
///
/// # Errors
/// The first fault of a worker.
pub async fn transcode(
    workers: &Workers,
    clip: &Clip,
    profiles: &Profiles,
    load: Load,
) -> Result<Transcoded, BenchError> {
    let meter = Meter::start();
    let mut waiting = clip.segments.iter().enumerate();
    let mut running = JoinSet::new();
    let mut done: Vec<(usize, Encoded)> = Vec::with_capacity(clip.segments.len());
    loop {
        while running.len() < load.segments
            && let Some((index, (source, frames))) = waiting.next()
        {
            let workers = workers.clone();
            let request =
                EncodeRequest::whole(source.clone(), profiles.clone(), *frames, load.threads);
            running.spawn(async move {
                let encoded = workers.encode(&request, Priority::Transcode).await?;
                let root = output_tree(&encoded.protocol_leaves()).root();
                std::hint::black_box(root);
                Ok::<_, BenchError>((index, encoded))
            });
        }
        match running.join_next().await {
            Some(Ok(result)) => done.push(result?),
            Some(Err(e)) => return Err(BenchError::Library(format!("a task ended early: {e}"))),
            None => break,
        }
    }
    done.sort_by_key(|(index, _)| *index);
    let segments: Vec<Encoded> = done.into_iter().map(|(_, encoded)| encoded).collect();
    Ok(Transcoded {
        usage: meter.stop(),
        decode_cpu: segments.iter().map(|s| s.source.decode_cpu).sum(),
        encode_cpu: segments.iter().map(|s| s.encode_cpu).sum(),
        segments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::profile::SourceFormat;

    #[test]
    fn loads_fill_the_cores() {
        let clip = |segments| Clip {
            format: SourceFormat {
                width: 64,
                height: 36,
                bit_depth: 8,
                full_range: false,
                colour: [2; 3],
                fps_num: 30,
                fps_den: 1,
            },
            raw: "raw.y4m".into(),
            segments: vec![(Vec::new().into(), 60); segments],
        };
        let load = |cores, segments| {
            let load = Load::filling(cores, &clip(segments));
            (load.segments, load.threads)
        };
        assert_eq!(
            (load(2, 4), load(2, 1), load(8, 3)),
            ((2, 2), (1, 2), (3, 8))
        );
    }
}
