//! Cuts a file, encodes every segment, writes HLS, says what it cost.
//!
//! `cargo run --release -p assay-encoder --example transcode -- FILE OUT [CHUNK_FRAMES] [THREADS] [inspect]`, after
//! `cargo build --release -p assay-encoder --bin assay-worker`.

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use assay_encoder::{
    EncodeRequest, InspectRequest, Limits, Packager, Priority, Segmenter, WorkerCommand, Workers,
};
use assay_protocol::profile::Rendition;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, out, rest @ ..] = arguments.as_slice() else {
        return Err("FILE OUT [CHUNK_FRAMES] [THREADS]".into());
    };
    let number = |at: usize, default: u16| rest.get(at).map_or(Ok(default), |text| text.parse());
    let (chunk_frames, threads) = (number(0, 15)?, number(1, 2)?);
    let inspect_only = rest.get(2).is_some_and(|word| word == "inspect");
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(
        file.into(),
        out.into(),
        chunk_frames,
        threads,
        inspect_only,
    ))
}

async fn run(
    file: PathBuf,
    out: PathBuf,
    chunk_frames: u16,
    threads: u16,
    inspect_only: bool,
) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let program = std::env::current_exe()?
        .with_file_name("../assay-worker")
        .canonicalize()?;
    let command = WorkerCommand {
        program,
        arguments: Vec::new(),
    };
    let workers = Workers::new(command, Limits::default(), 2);
    let found = assay_encoder::probe(&file, workers.command()).await?;
    println!("{found:?}");
    let segments = Segmenter::new(&out.join("source"), Duration::from_secs(2))
        .cut(&found, workers.command())
        .await?;
    println!(
        "{} segments after {:.2?}",
        segments.len(),
        started.elapsed()
    );
    let like = Rendition::plain(0, 0, 10, 100);
    let height = found.height.min(360) as u16;
    let profiles = found.profiles(chunk_frames, &[height, (height / 2).max(16)], &like)?;
    let mut packager = Packager::new(&out, &profiles)?;
    let (mut frames, mut decode, mut encode, mut wall) =
        (0, Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for segment in &segments {
        let source: std::sync::Arc<[u8]> = std::fs::read(&segment.path)?.into();
        let request = InspectRequest {
            source: source.clone(),
            profiles: profiles.clone(),
        };
        let inspected = workers.inspect(&request, Priority::Transcode).await?;
        frames += inspected.frame_count;
        decode += inspected.decode_cpu;
        if inspect_only {
            println!(
                "{} {} frames, {} by packets",
                segment.seq, inspected.frame_count, segment.frames
            );
            continue;
        }
        let begin = Instant::now();
        let request =
            EncodeRequest::whole(source, profiles.clone(), inspected.frame_count, threads);
        let encoded = workers.encode(&request, Priority::Transcode).await?;
        wall += begin.elapsed();
        encode += encoded.encode_cpu;
        let per = profiles.chunks(inspected.frame_count) as usize;
        let chunks: Option<Vec<Vec<u8>>> =
            encoded.leaves.into_iter().map(|leaf| leaf.bytes).collect();
        let renditions: Vec<_> = chunks
            .unwrap_or_default()
            .chunks(per)
            .map(<[_]>::to_vec)
            .collect();
        packager.add_segment(segment.seq, inspected.frame_count, &renditions)?;
    }
    println!("{frames} frames; decode {decode:.2?} CPU; encode {encode:.2?} CPU, {wall:.2?} wall");
    if !inspect_only {
        println!("{}", packager.finish()?.display());
    }
    println!("{:.2?} in all", started.elapsed());
    Ok(())
}
