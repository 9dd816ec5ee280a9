//! Numbers, not assertions: `cargo test --release -p assay-p2p --test measure -- --ignored --nocapture`.

use crate::net;

use std::time::{Duration, Instant};

use net::{QUIC, TCP, bytes, network};

/// Resident memory of this process, KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// User and system time of this process, in ticks of 10 ms.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures for 20 s"]
async fn numbers() {
    // First, while the allocator is fresh.
    let before = resident();
    let (nodes, _) = network(8, &[TCP, QUIC]).await;
    println!(
        "resident memory per node of 8: {} KiB",
        (resident() - before) / 8
    );
    let idle = ticks();
    tokio::time::sleep(Duration::from_secs(10)).await;
    println!("8 idle nodes: {} ms of CPU in 10 s", (ticks() - idle) * 10);
    println!(
        "resident memory per node of 8, after 10 s: {} KiB",
        (resident() - before) / 8
    );
    for node in nodes {
        node.handle.shutdown().await;
    }
    for listen in [&[TCP][..], &[QUIC], &[TCP, QUIC]] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let (nodes, took) = network(8, listen).await;
            times.push(took);
            for node in nodes {
                node.handle.shutdown().await;
            }
        }
        times.sort();
        println!("8 nodes over {listen:?}: fully connected after {times:?}");
    }
    for listen in [TCP, QUIC] {
        let (nodes, _) = network(2, &[listen]).await;
        let len = 48 << 20;
        let source = bytes(len);
        let hash = nodes[0].store.insert(source.clone());
        nodes[0].handle.allow_blob(hash, [nodes[1].id()]);
        // Past the quota of one peer without stake.
        nodes[0].handle.set_stakes([(nodes[1].id(), 1.0)]).await;
        for run in ["first", "second"] {
            let begin = Instant::now();
            let providers = vec![nodes[0].id()];
            let blob = nodes[1]
                .handle
                .fetch_blob(hash, len as u64, providers)
                .await;
            assert!(blob.unwrap() == source);
            let rate = 48.0 / begin.elapsed().as_secs_f64();
            println!("48 MiB over {listen}, {run} time: {rate:.0} MiB/s");
        }
    }
}
