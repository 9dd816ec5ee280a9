//! Whether this machine's encoder gives everyone's bytes, and how fast it is.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

pub(super) use assay_encoder::conformance::level_in_use;
use assay_encoder::conformance::{self, ASSEMBLY, ConformanceError, check_one, vectors as all};
pub(super) use assay_encoder::settings::PIPELINE;
use assay_encoder::{SimdLevel, Workers, encoder_id};
use serde::Serialize;

use super::check::{Check, Verdict};

/// A node is ready to sign after this time: the goal.
const START_SECONDS: f64 = 3.0;

/// One vector at one level.
#[derive(Clone, Debug, Serialize)]
pub(super) struct VectorReport {
    name: &'static str,
    /// rav1e's name of the level that was asked for, or `default`.
    level: &'static str,
    /// What differs, if something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<String>,
    /// CPU time of scaling and encoding.
    cpu_seconds: f64,
}

/// Computes every vector at this machine's level and without SIMD, or at every level.
///
/// # Errors
/// Vectors that this program cannot read.
pub(super) async fn vectors(
    workers: &Workers,
    every_level: bool,
) -> Result<Vec<VectorReport>, ConformanceError> {
    let mut levels = vec![None, Some(SimdLevel::Scalar)];
    if every_level {
        levels.extend(SimdLevel::ALL.into_iter().skip(1).map(Some));
    }
    let vectors = all()?;
    let (mut reports, count) = (Vec::new(), vectors.len());
    for (index, (name, vector)) in vectors.into_iter().enumerate() {
        progress(&format!("vector {} of {count}: {name}", index + 1));
        for pair in levels.chunks(2) {
            let one = |level| check_one(workers, name, &vector, level);
            let first = one(pair[0]);
            let (first, second) = match pair.get(1) {
                Some(&level) => {
                    let (first, second) = tokio::join!(first, one(level));
                    (first, Some((level, second)))
                }
                None => (first.await, None),
            };
            for (level, outcome) in [Some((pair[0], first)), second].into_iter().flatten() {
                let cpu = outcome.as_ref().map_or(Duration::ZERO, |cpu| *cpu);
                reports.push(VectorReport {
                    name,
                    level: level.map_or("default", SimdLevel::name),
                    differs: outcome.err().map(|e| e.to_string()),
                    cpu_seconds: cpu.as_secs_f64(),
                });
            }
        }
    }
    progress("");
    Ok(reports)
}

/// Seconds in which a node checks its encoder before it starts; none if it fails, of which the vectors say more.
pub(super) async fn start_seconds(workers: &Workers) -> Option<f64> {
    let begun = Instant::now();
    let checked = conformance::check(workers).await;
    checked.ok().map(|_| begun.elapsed().as_secs_f64())
}

/// What that says.
pub(super) fn start(seconds: f64) -> Check {
    let found = format!("a node checks its encoder in {seconds:.1} s before it starts");
    match seconds <= START_SECONDS {
        true => Check::ok("start", found),
        false => Check::bad(
            "start",
            Verdict::Warning,
            found,
            format!(
                "expected at most {START_SECONDS} s: something else uses this machine, or it is too slow for a transcoder"
            ),
        ),
    }
}

/// What they say.
pub(super) fn checks(reports: &[VectorReport]) -> Vec<Check> {
    let wrong: Vec<&str> = reports
        .iter()
        .filter_map(|r| r.differs.as_deref())
        .collect();
    let encoder = match wrong.as_slice() {
        [] => Check::ok(
            "encoder",
            format!(
                "{} conformance vectors at {} levels give everyone's bytes; encoder {}",
                reports.iter().filter(|r| r.level == "default").count(),
                levels(reports).len(),
                encoder_id()
            ),
        ),
        wrong => Check::bad(
            "encoder",
            Verdict::Failure,
            wrong.join("; "),
            "this machine would lose its stake: nothing signs here before every vector agrees. Look for an unstable CPU or \
             memory first, then report it with the line above",
        ),
    };
    vec![encoder, simd(reports)]
}

fn simd(reports: &[VectorReport]) -> Check {
    let seconds = |level: &str| -> f64 {
        let of = reports.iter().filter(|r| r.level == level);
        of.map(|r| r.cpu_seconds).sum()
    };
    let gain = seconds("rust") / seconds("default").max(0.001);
    let level = level_in_use();
    let found = format!("level {level}, {gain:.1} times as fast as without SIMD");
    match (ASSEMBLY, level) {
        (false, _) => Check::bad(
            "simd",
            Verdict::Warning,
            "this program was built without rav1e's assembly",
            "build it with nasm and the feature asm: same bytes, several times as fast",
        ),
        (true, "rust") => Check::bad(
            "simd",
            Verdict::Warning,
            found,
            "RAV1E_CPU_TARGET switches SIMD off; unset it",
        ),
        (true, "sse2" | "ssse3" | "sse4.1") => Check::bad(
            "simd",
            Verdict::Warning,
            found,
            "a CPU with AVX2 encodes about twice as fast",
        ),
        (true, _) => Check::ok("simd", found),
    }
}

fn levels(reports: &[VectorReport]) -> Vec<&'static str> {
    let mut levels: Vec<_> = reports.iter().map(|r| r.level).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

/// One line that the next one overwrites, on a terminal only.
fn progress(text: &str) {
    let mut out = std::io::stderr().lock();
    if out.is_terminal() {
        let _ = write!(out, "\r\x1b[K{text}");
        let _ = out.flush();
    }
}
