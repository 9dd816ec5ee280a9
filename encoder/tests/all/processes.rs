//! Workers as processes: how urgent they are, what ends them, and that none is left.

use crate::support;

use std::time::Duration;

use assay_encoder::{
    EncodeRequest, InspectRequest, Limits, Priority, WorkerCommand, WorkerError, Workers,
};
use assay_protocol::assignment::RefusalReason;
use rustix::process::{Pid, Signal, kill_process};
use support::{bytes, clip, marked, profiles, raw, running, worker};

#[tokio::test]
async fn a_silent_worker_is_killed() {
    let sleeper = WorkerCommand {
        program: "sleep".into(),
        arguments: vec!["1000.25".into()],
    };
    let limits = Limits {
        wall: Duration::from_millis(200),
        ..Limits::default()
    };
    let request = InspectRequest {
        source: raw(16, 16, 1),
        profiles: profiles(64, 64),
    };
    let error = Workers::new(sleeper, limits, 1)
        .inspect(&request, Priority::Sample)
        .await
        .unwrap_err();
    let late = WorkerError::Timeout {
        wall: limits.wall,
        frames: 0,
        missing: 0,
    };
    assert_eq!(error, late);
    assert_eq!(error.reason(), RefusalReason::EncoderFailed);
    gone("sleep\x001000.25").await;
}

#[tokio::test]
async fn a_dropped_request_leaves_no_process() {
    let command = marked("--dropped");
    let workers = Workers::new(command, Limits::default(), 1);
    let whole = EncodeRequest::whole(raw(640, 360, 60), profiles(640, 360), 60, 2);
    let waited = tokio::time::timeout(
        Duration::from_millis(400),
        workers.encode(&whole, Priority::Sample),
    )
    .await;
    assert!(waited.is_err(), "the job ended too early to be dropped");
    gone("--dropped").await;
    assert_eq!(workers.waiting(), 0);
    // The slot is free again.
    let request = InspectRequest {
        source: raw(64, 64, 1),
        profiles: profiles(64, 64),
    };
    assert_eq!(
        workers
            .inspect(&request, Priority::Sample)
            .await
            .unwrap()
            .frame_count,
        1
    );
}

#[tokio::test]
async fn a_worker_ends_with_its_parent() {
    // The parent's end shows to the worker as the end of its standard input.
    let mut command = std::process::Command::new(worker().program);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null());
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    assert!(!child.wait().unwrap().success());
}

#[tokio::test]
async fn niceness_follows_priority_down_to_ffmpeg() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(
        dir.path(),
        "long.mkv",
        "640x360",
        4,
        "-c:v libx264 -preset ultrafast",
    );
    let own = niceness(std::process::id()).unwrap();
    for (priority, mark, step) in [
        (Priority::Accused, "--as-accused", 0),
        (Priority::Sample, "--as-sample", 7),
        (Priority::Transcode, "--as-transcode", 10),
    ] {
        let workers = Workers::new(marked(mark), Limits::default(), 1);
        let whole = EncodeRequest::whole(bytes(&path), profiles(640, 360), 120, 1);
        let task = {
            let workers = workers.clone();
            tokio::spawn(async move { workers.encode(&whole, priority).await })
        };
        let (worker, ffmpeg) = both(mark).await;
        let found = (niceness(worker).unwrap(), niceness(ffmpeg).unwrap());
        assert_eq!(workers.waiting(), 1);
        assert_eq!(found, (own + step, own + step));
        task.abort();
        gone(mark).await;
    }
}

/// The worker with this mark and its FFmpeg, once both are there.
pub async fn both(mark: &str) -> (u32, u32) {
    for _ in 0..15_000 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        for worker in running(mark) {
            let children = format!("/proc/{worker}/task/{worker}/children");
            let children = std::fs::read_to_string(children).unwrap_or_default();
            let mut children = children.split_whitespace().filter_map(|id| id.parse().ok());
            let name = |id: u32| std::fs::read_to_string(format!("/proc/{id}/comm"));
            let ffmpeg = children.find(|&id| name(id).is_ok_and(|name| name.trim() == "ffmpeg"));
            if let Some(ffmpeg) = ffmpeg {
                return (worker, ffmpeg);
            }
        }
    }
    panic!("no worker with {mark:?} has an FFmpeg");
}

pub fn signal(process: u32, signal: Signal) {
    kill_process(Pid::from_raw(process as i32).unwrap(), signal).unwrap();
}

/// Whether a process is gone, or only waits to be buried.
pub async fn dead(process: u32) -> bool {
    for _ in 0..100 {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        if matches!(state, None | Some('Z' | 'X')) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Encodes something long, with this mark on the worker.
async fn encode_long(mark: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(
        dir.path(),
        "long.mkv",
        "640x360",
        8,
        "-c:v libx264 -preset ultrafast",
    );
    let whole = EncodeRequest::whole(bytes(&path), profiles(640, 360), 240, 1);
    let workers = Workers::new(marked(mark), Limits::default(), 1);
    let _ = workers.encode(&whole, Priority::Transcode).await;
}

#[tokio::test]
async fn ffmpeg_ends_with_a_worker_that_is_killed_even_if_it_hangs() {
    let task = tokio::spawn(encode_long("--killed-worker"));
    let (worker, ffmpeg) = both("--killed-worker").await;
    // So that no broken pipe can end it.
    signal(ffmpeg, Signal::STOP);
    signal(worker, Signal::KILL);
    assert!(dead(ffmpeg).await);
    task.abort();
}

#[tokio::test]
async fn a_worker_and_its_ffmpeg_end_with_a_parent_that_is_killed() {
    let mut parent = std::process::Command::new(std::env::current_exe().unwrap());
    parent.args(["--ignored", "--exact", "processes::a_parent_to_be_killed"]);
    parent.stdout(std::process::Stdio::null());
    let mut parent = parent.spawn().unwrap();
    let (worker, ffmpeg) = both("--killed-parent").await;
    signal(ffmpeg, Signal::STOP);
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(dead(worker).await && dead(ffmpeg).await);
}

#[tokio::test]
#[ignore = "the test above starts it in a process of its own"]
async fn a_parent_to_be_killed() {
    encode_long("--killed-parent").await;
}

/// Field 19 of proc(5): the niceness of a process; none when it has ended.
fn niceness(process: u32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(16)?.parse().ok()
}

/// Waits until no process has `mark` in its arguments.
async fn gone(mark: &str) {
    for _ in 0..100 {
        if running(mark).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a process with {mark:?} in its arguments is still there");
}
