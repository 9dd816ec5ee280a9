//! Where figures were measured.

use std::path::Path;

use serde::Serialize;

use crate::ffmpeg;
use crate::tool;

use super::BenchError;

/// The machine and its tools.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Model of the processor, as the kernel names it.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// Kernel.
    pub kernel: String,
    /// FFmpeg's version line; empty without one.
    pub ffmpeg: String,
    /// Runnable processes, mean of the minute before: more than `cores` says that others were at work too.
    pub load: f64,
}

impl Machine {
    /// Asks the kernel and FFmpeg.
    pub async fn describe() -> Self {
        let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|l| l.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kib / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            ffmpeg: version("ffmpeg", "-version").await.unwrap_or_default(),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or_default(),
        }
    }
}

/// So many cores as were asked for; all by default.
///
/// # Errors
/// More than this process may use: figures are of what was measured, not of a machine that is not here.
pub fn cores(asked: Option<u16>) -> Result<usize, BenchError> {
    let here = std::thread::available_parallelism().map_or(1, usize::from);
    match asked.map(usize::from) {
        None => Ok(here),
        Some(asked) if (1..=here).contains(&asked) => Ok(asked),
        Some(asked) => Err(BenchError::Cores { found: asked, here }),
    }
}

/// First line of what a program says about itself; none when it cannot be started.
pub async fn version(program: &str, argument: &str) -> Option<String> {
    let mut command = ffmpeg::command(program);
    command.arg(argument);
    let said = tool::run(command).await.ok()?;
    let text = String::from_utf8_lossy(&said.output).into_owned();
    said.success
        .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_measures_with_cores_that_are_not_there() {
        let here = cores(None).unwrap();
        assert_eq!(cores(Some(1)).unwrap(), 1);
        assert_eq!(cores(Some(here as u16)).unwrap(), here);
        let error = cores(Some(here as u16 + 1)).unwrap_err();
        let words = format!("at most {here}");
        assert!(error.to_string().contains(&words), "{error}");
        assert!(cores(Some(0)).is_err());
    }
}
