//! What a node needs besides a right encoder: FFmpeg, a clock, a disk, memory, file descriptors.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use assay_chain::Endpoints;
use assay_chain::client::latest_block;
use assay_encoder::conformance::check_decoder;
use assay_encoder::{Walls, Workers};
use rustix::process::{Resource, getrlimit};
use tokio::process::Command;

use super::check::{Check, Verdict};

/// Video codecs that sources have.
const CODECS: [&str; 4] = ["h264", "hevc", "vp9", "av1"];
/// Of names of decoders that need hardware.
const HARDWARE: [&str; 5] = ["_cuvid", "_qsv", "_v4l2m2m", "_mediacodec", "_rkmpp"];
/// FFmpeg answers such questions at once, or never.
const PATIENCE: Duration = Duration::from_secs(10);
/// A block is this old where the chain or the clock is wrong: mainnet makes one every 12 s, and a few may be empty.
const OLDEST_BLOCK: u64 = 60;
/// A block from the future; consensus clients tolerate half a second between them.
const FUTURE: u64 = 2;
/// Below this a node cannot keep its journal and a segment: it refuses nothing, it fails.
const LEAST_DISK: u64 = 1 << 30;
/// An evidence window of sources on mainnet (12 hours of one stream at 4 Mbit/s) has about this size.
const ENOUGH_DISK: u64 = 20 << 30;
/// One 1080p encoder context takes about 625 MB.
const CONTEXT: u64 = 640 << 20;
/// Below this a node opens too few connections for its mesh and its workers' pipes.
const LEAST_FILES: u64 = 256;
/// Room for a few hundred peers.
const ENOUGH_FILES: u64 = 4096;

/// FFmpeg and its decoders, one of them by what it makes of a segment.
pub(super) async fn ffmpeg(workers: &Workers) -> Check {
    const NAME: &str = "ffmpeg";
    let install =
        "install FFmpeg 5.1 or newer (Debian: apt-get install ffmpeg); without it no node starts";
    let mut versions = Vec::new();
    for program in ["ffmpeg", "ffprobe"] {
        match said(program, &["-hide_banner", "-version"]).await {
            Ok(text) => versions.push(text.lines().next().unwrap_or_default().to_owned()),
            Err(e) => {
                let found = format!("{program}: {e}");
                return Check::bad(NAME, Verdict::Failure, found, install);
            }
        }
    }
    let decoders = said("ffmpeg", &["-hide_banner", "-decoders"]).await;
    let decoders = decoders.unwrap_or_default();
    let known = |codec: &&str| {
        // A decoder of another name says which codec it is for: libdav1d … (codec av1).
        let mut lines = decoders.lines();
        let (own, other) = (format!(" {codec} "), format!("(codec {codec})"));
        // FFmpeg's own one for AV1, and those of graphics cards, decode with hardware only.
        let alone = *codec != "av1";
        let card = |line: &str| HARDWARE.iter().any(|name| line.contains(name));
        lines.any(|line| (alone && line.contains(&own)) || (line.contains(&other) && !card(line)))
    };
    let missing: Vec<&str> = CODECS.into_iter().filter(|codec| !known(codec)).collect();
    let found = short_version(&versions[0]);
    if let Err(e) = check_decoder(workers).await {
        return Check::bad(NAME, Verdict::Failure, format!("{found}: {e}"), install);
    }
    if missing.is_empty() {
        return Check::ok(NAME, format!("{found}, decodes {}", CODECS.join(", ")));
    }
    let found = format!("{found} cannot decode {}", missing.join(", "));
    let advice = "segments in these codecs are refused; install an FFmpeg that has them";
    Check::bad(NAME, Verdict::Warning, found, advice)
}

fn short_version(line: &str) -> String {
    line.split(" Copyright").next().unwrap_or(line).to_owned()
}

async fn said(program: &str, arguments: &[&str]) -> std::io::Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What keeps decoders of strangers' video, and what receives live streams, from everything else.
pub(super) async fn walls(workers: &Workers) -> Check {
    match tokio::join!(workers.walls(), workers.walls_of_receivers()) {
        (Ok(decoders), Ok(receivers)) => confinement(decoders, receivers),
        (Err(e), _) | (_, Err(e)) => {
            let advice = "see what keeps a worker from starting: memory, processes, a wrapper";
            Check::bad("walls", Verdict::Warning, format!("unknown: {e}"), advice)
        }
    }
}

fn confinement(decoders: Walls, receivers: Walls) -> Check {
    const NAME: &str = "walls";
    let open = [("decoder", decoders), ("receiver of streams", receivers)];
    let open: Vec<String> = open
        .into_iter()
        .filter(|(_, walls)| *walls != Walls::ALL)
        .map(|(who, walls)| format!("a {who} could {}", walls.open().join(", ")))
        .collect();
    if open.is_empty() {
        return Check::ok(NAME, "what decodes or receives video is confined");
    }
    let found = format!("if it was taken over, {}", open.join("; "));
    let advice = "Linux 6.7 or newer with Landlock and seccomp confines both, from 5.13 on all but a receiver's connections; give the node a user of its own meanwhile";
    Check::bad(NAME, Verdict::Warning, found, advice)
}

/// This machine's clock against the latest block's.
pub(super) async fn clock(endpoints: Option<Endpoints>) -> Check {
    const NAME: &str = "clock";
    let Some(endpoints) = endpoints else {
        return Check::ok(NAME, "not compared with a chain: give --rpc or --config");
    };
    let block = match latest_block(endpoints).await {
        Ok(block) => block,
        Err(e) => {
            let advice = "a node needs an RPC that answers; see its address in the configuration";
            return Check::bad(NAME, Verdict::Failure, e.to_string(), advice);
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    skew(
        block.number,
        block.timestamp,
        now.unwrap_or_default().as_secs(),
    )
}

fn skew(number: u64, timestamp: u64, now: u64) -> Check {
    const NAME: &str = "clock";
    if timestamp > now + FUTURE {
        let found = format!("block {number} is from {} s in the future", timestamp - now);
        let advice = "this machine's clock is slow: set it by NTP";
        return Check::bad(NAME, Verdict::Failure, found, advice);
    }
    let age = now.saturating_sub(timestamp);
    let found = format!("block {number} is {age} s old");
    if age > OLDEST_BLOCK {
        let advice =
            "the RPC node is behind, the chain stands still, or this machine's clock is fast";
        return Check::bad(NAME, Verdict::Warning, found, advice);
    }
    Check::ok(NAME, found)
}

/// Room in the node's folder.
pub(super) fn disk(folder: &Path) -> Check {
    const NAME: &str = "disk";
    // The folder may be made later; its parent's disk is the one.
    let there = folder.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("."));
    match rustix::fs::statvfs(there) {
        Ok(stat) => space(there, stat.f_bavail.saturating_mul(stat.f_frsize)),
        Err(e) => {
            let found = format!("{}: {e}", there.display());
            Check::bad(
                NAME,
                Verdict::Warning,
                found,
                "name a --folder that can be looked at",
            )
        }
    }
}

fn space(folder: &Path, free: u64) -> Check {
    let found = format!("{} free in {}", gib(free), folder.display());
    let advice = format!(
        "sources are kept through the evidence window; have {}",
        gib(ENOUGH_DISK)
    );
    match free {
        ..LEAST_DISK => Check::bad("disk", Verdict::Failure, found, advice),
        LEAST_DISK..ENOUGH_DISK => Check::bad("disk", Verdict::Warning, found, advice),
        _ => Check::ok("disk", found),
    }
}

/// Memory for the encoders that run at the same time.
pub(super) fn memory(workers: usize) -> Check {
    const NAME: &str = "memory";
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib << 10)
    };
    match (field("MemTotal:"), field("MemAvailable:")) {
        (Some(total), Some(available)) => match container() {
            Some((most, left)) if most < total => room(most, left.min(available), workers),
            _ => room(total, available, workers),
        },
        _ => Check::ok(NAME, format!("unknown on this system; {workers} workers")),
    }
}

/// Bytes that a container may have, and has left, where there is a bound (cgroup v2).
fn container() -> Option<(u64, u64)> {
    let number = |file: &str| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/sys/fs/cgroup/memory.{file}")).ok()?;
        text.trim().parse().ok()
    };
    let most = number("max")?;
    Some((most, most.saturating_sub(number("current")?)))
}

fn room(total: u64, available: u64, workers: usize) -> Check {
    let needed = CONTEXT.saturating_mul(workers as u64);
    let found = format!(
        "{} available of {}, {workers} chunks at a time",
        gib(available),
        gib(total)
    );
    if available < needed {
        let advice = format!(
            "so many chunks of 1080p take {}; stay with smaller renditions or set `workers` lower",
            gib(needed)
        );
        return Check::bad("memory", Verdict::Warning, found, advice);
    }
    Check::ok("memory", found)
}

/// File descriptors that this process may have.
pub(super) fn files() -> Check {
    descriptors(getrlimit(Resource::Nofile).current)
}

fn descriptors(limit: Option<u64>) -> Check {
    const NAME: &str = "files";
    let found = limit.map_or("no limit".into(), |n| format!("{n} file descriptors"));
    let advice =
        format!("have {ENOUGH_FILES}: ulimit -n {ENOUGH_FILES}, or LimitNOFILE in a unit file");
    match limit.unwrap_or(u64::MAX) {
        ..LEAST_FILES => Check::bad(NAME, Verdict::Failure, found, advice),
        LEAST_FILES..ENOUGH_FILES => Check::bad(NAME, Verdict::Warning, found, advice),
        _ => Check::ok(NAME, found),
    }
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_their_verdicts() {
        let verdicts = |checks: Vec<Check>| checks.iter().map(|c| c.verdict).collect::<Vec<_>>();
        use Verdict::{Failure, Ok, Warning};
        let now = 1_000_000;
        let clocks = vec![
            skew(1, now - 12, now),
            skew(1, now - 90, now),
            skew(1, now + 9, now),
        ];
        assert_eq!(verdicts(clocks), [Ok, Warning, Failure]);
        let here = Path::new(".");
        let disks = [1u64 << 20, 5 << 30, 50 << 30].map(|free| space(here, free));
        assert_eq!(verdicts(disks.into()), [Failure, Warning, Ok]);
        let files = [Some(100), Some(1024), Some(65_536), None].map(descriptors);
        assert_eq!(verdicts(files.into()), [Failure, Warning, Ok, Ok]);
        let memories = vec![room(8 << 30, 4 << 30, 2), room(8 << 30, 1 << 30, 2)];
        assert_eq!(verdicts(memories), [Ok, Warning]);
        let reads = Walls {
            reading: false,
            ..Walls::ALL
        };
        let walls = [(Walls::ALL, Walls::ALL), (Walls::ALL, reads)];
        let walls = walls.map(|(decoders, receivers)| confinement(decoders, receivers));
        let words = "receiver of streams could read files";
        assert!(walls[1].found.contains(words));
        assert_eq!(verdicts(walls.into()), [Ok, Warning]);
    }
}
