//! Measures how long one leaf of a two-second 360p60 segment takes at each priority, on an idle machine and under
//! transcodes in every slot.
//!
//! `cargo run --release -p assay-encoder --example urgency -- [SLOTS]`, after
//! `cargo build --release -p assay-encoder --bin assay-worker`.

use std::error::Error;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_encoder::{EncodeRequest, Limits, Priority, WorkerCommand, Workers, ffmpeg, probe};
use assay_protocol::profile::Rendition;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let slots: usize = std::env::args().nth(1).map_or(Ok(2), |n| n.parse())?;
    let dir = tempfile::tempdir()?;
    let clip = dir.path().join("clip.mkv");
    let mut command = ffmpeg::command("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i"]);
    command.args([
        "testsrc2=size=640x360:rate=60:duration=2",
        "-c:v",
        "libx264",
    ]);
    if !command.arg(&clip).status()?.success() {
        return Err("ffmpeg makes no clip".into());
    }
    let like = Rendition::plain(0, 0, 10, 100);
    let program = std::env::current_exe()?.with_file_name("../assay-worker");
    let command = WorkerCommand {
        program: program.canonicalize()?,
        arguments: Vec::new(),
    };
    let profiles = probe(&clip, &command)
        .await?
        .profiles(15, &[360, 180], &like)?;
    let source: Arc<[u8]> = std::fs::read(&clip)?.into();
    let workers = Workers::new(command, Limits::default(), slots);
    let whole = EncodeRequest::whole(source.clone(), profiles.clone(), 120, 1);
    let one = EncodeRequest::one(source, profiles, 120, 5).ok_or("no leaf 5")?;
    for load in [0, 3 * slots] {
        for priority in [Priority::Accused, Priority::Sample] {
            let transcodes: Vec<_> = (0..load)
                .map(|_| {
                    let (workers, whole) = (workers.clone(), whole.clone());
                    tokio::spawn(async move { workers.encode(&whole, Priority::Transcode).await })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(500)).await;
            let (begin, mut first) = (Instant::now(), Duration::ZERO);
            let finished = workers.encode_each(&one, priority, |_, _| {
                first = begin.elapsed();
                ready(())
            });
            let cpu = finished.await?.cpu();
            println!("{load} transcodes, {priority:?}: leaf after {first:.2?}, {cpu:.2?} CPU");
            for task in transcodes {
                task.abort();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let begin = Instant::now();
    let (mut first, mut count) = (Duration::ZERO, 0);
    let finished = workers.encode_each(&whole, Priority::Accused, |_, _| {
        count += 1;
        if count == 1 {
            first = begin.elapsed();
        }
        ready(())
    });
    let cpu = finished.await?.cpu();
    let all = begin.elapsed();
    println!(
        "whole segment, one thread: first of {count} leaves after {first:.2?}, last after {all:.2?}, {cpu:.2?} CPU"
    );
    Ok(())
}
