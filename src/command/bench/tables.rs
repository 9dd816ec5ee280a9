//! Reports as people read them.

use std::fmt::Write;

use assay_encoder::bench::machine::Machine;
use assay_encoder::bench::spread::Spread;
use assay_encoder::bench::{beside, chunk_length, cost, encode, memory, verify};

fn machine(m: &Machine) -> String {
    format!(
        "{}, {} cores, {} MiB, Linux {}, load {:.2}",
        m.processor, m.cores, m.memory_mib, m.kernel, m.load
    )
}

fn spread(s: &Spread, digits: usize) -> String {
    format!(
        "{:.digits$} ({:.digits$} to {:.digits$})",
        s.median, s.min, s.max
    )
}

fn met(ok: bool) -> &'static str {
    if ok { "yes" } else { "no" }
}

/// `assay bench encode`.
pub fn whole(report: &beside::Whole) -> String {
    let mut parts = vec![encode(&report.encode)];
    if let Some(beside) = &report.beside {
        parts.push(verify(&beside.verify));
        parts.push(memory(&beside.memory));
        parts.push(chunk_length(&beside.chunk_length));
    }
    parts.join("\n\n")
}

fn encode(report: &encode::Report) -> String {
    let mut out = format!(
        "{}\n{}; {} cores; clip: {}\n\n",
        machine(&report.machine),
        report.rav1e,
        report.cores,
        report.clip
    );
    out += "| size | speed | faster at equal PSNR | by CPU time | BD-rate PSNR | BD-rate SSIM | of bare rav1e | not rav1e, % of CPU | tiles | goals met |\n";
    out += "|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n";
    for c in &report.cases {
        let goals = c.speedup >= 1.3 && c.bd_rate_psnr <= 1.0 && c.bd_rate_ssim <= 1.0;
        let goals = goals && c.of_bare.median >= 0.92 && c.not_rav1e_percent.median <= 8.0;
        let _ = writeln!(
            out,
            "| {}p | {} | {:.2} | {:.2} | {:+.2} % | {:+.2} % | {} | {} | {} | {} |",
            c.height,
            c.speed,
            c.speedup,
            c.cpu_speedup,
            c.bd_rate_psnr,
            c.bd_rate_ssim,
            spread(&c.of_bare, 3),
            spread(&c.not_rav1e_percent, 1),
            c.tiles,
            met(goals)
        );
    }
    out += "\n| size | encoder | quantizer | kbit/s | PSNR, dB | SSIM | frames/s | CPU, s |\n";
    out += "|--:|---|--:|--:|--:|--:|--:|--:|\n";
    let mut points = |height: u16, name: &str, of: &[encode::Point]| {
        for p in of {
            let _ = writeln!(
                out,
                "| {height}p | {name} | {} | {:.0} | {:.2} | {:.4} | {} | {:.2} |",
                p.quantizer,
                p.bit_rate / 1000.0,
                p.quality.psnr_db,
                p.quality.ssim,
                spread(&p.timing.fps, 1),
                p.timing.cpu_seconds.median
            );
        }
    };
    for c in &report.cases {
        points(c.height, &format!("assay, speed {}", c.speed), &c.path);
        let name = format!("rav1e, speed {}, {} tiles", c.speed, c.tiles);
        points(c.height, &name, &c.command_line);
    }
    for o in &report.others {
        points(o.height, &o.name, &o.points);
    }
    for o in &report.others {
        if let Some(rate) = o.bd_rate_psnr {
            let _ = write!(
                out,
                "\n{}p: {} needs {rate:+.0} % of the bits of rav1e at the fastest speed here, at equal PSNR",
                o.height, o.name
            );
        }
    }
    out.trim_end().to_owned()
}

/// `assay bench verify`.
pub fn verify(r: &verify::Report) -> String {
    let renditions: Vec<_> = r
        .renditions
        .iter()
        .map(|(w, h)| format!("{w}x{h}"))
        .collect();
    format!(
        "{}\n{}; speed {}, chunks of {} frames, {} leaves; clip: {}\n\
         encoding            {:.2} CPU seconds\n\
         checks, each alone  {:.2} CPU seconds for every leaf once\n\
         verifiers           {:.2} % of the encoding at one check for {} leaves, each request alone (goal: at most 6)\n\
         \x20                   {:.2} % when one verifier asks for a segment's leaves together\n\
         a top sample        {} times its own part of the encode, decode included (goal: at most 1.2)\n\
         a batch             {:.2} times as much as its leaves one by one\n\
         start and decode    {} CPU seconds for a segment",
        machine(&r.machine),
        renditions.join(", "),
        r.speed,
        r.chunk_frames,
        r.leaves,
        r.clip,
        r.encode_cpu_seconds,
        r.check_cpu_seconds,
        r.verify_percent,
        r.leaves_per_check,
        r.verify_percent_batched,
        spread(&r.top_sample_ratio, 2),
        r.batch_ratio,
        spread(&r.decode_cpu_seconds, 3)
    )
}

/// `assay bench memory`.
pub fn memory(r: &memory::Report) -> String {
    let mut out = format!(
        "{}\n{}x{}, speed {}, {} chunks of {} frames at a time, {} frames\n\
         most at one moment  {:.0} MiB (goal for 1080p and two chunks: less than 1638)\n\
         upper bound         {:.0} MiB",
        machine(&r.machine),
        r.width,
        r.height,
        r.speed,
        r.in_flight,
        r.chunk_frames,
        r.frames,
        r.peak.together_mib,
        r.peak.bound_mib
    );
    for (name, mib) in &r.peak.by_program {
        let _ = write!(out, "\n{name:<20}{mib:.0} MiB at most");
    }
    out
}

/// `assay bench chunk-length`.
pub fn chunk_length(r: &chunk_length::Report) -> String {
    let mut out = format!(
        "{}\n{}x{}, speed {}, segments of {} s; clip: {}\n\n",
        machine(&r.machine),
        r.width,
        r.height,
        r.speed,
        r.segment_seconds,
        r.clip
    );
    out += "| chunk, s | frames | bits at equal PSNR | a check, CPU s | of its part of the encode | sampling, one in so many leaves | sampling, as many for each second | leaves in receipts, kB/h |\n";
    out += "|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for row in &r.rows {
        let _ = writeln!(
            out,
            "| {} | {} | {:+.1} % | {:.3} | {:.2} | {:.2} % | {:.2} % | {:.0} |",
            row.seconds,
            row.frames,
            row.bits_percent,
            row.check_cpu_seconds,
            row.check_ratio,
            row.per_leaf_percent,
            row.per_second_percent,
            row.receipt_bytes_per_hour / 1000.0
        );
    }
    out.trim_end().to_owned()
}

/// `assay bench cost`.
pub fn cost(r: &cost::Report) -> String {
    let mut out = format!(
        "{}\nsource {}x{} at {:.2} frames a second; {} cores; clip: {}\n\n",
        machine(&r.machine),
        r.source.0,
        r.source.1,
        r.fps,
        r.cores,
        r.clip
    );
    out += "| rendition | speed | quantizer | kbit/s | frames/s, all cores | cores for one stream | streams |\n";
    out += "|---|--:|--:|--:|--:|--:|--:|\n";
    for c in &r.renditions {
        let _ = writeln!(
            out,
            "| {}x{} | {} | {} | {:.0} | {:.1} | {:.2} | {:.2} |",
            c.width,
            c.height,
            c.speed,
            c.quantizer,
            c.bit_rate / 1000.0,
            c.capacity.frames_per_second,
            c.capacity.cores_per_stream,
            c.capacity.streams
        );
    }
    let (l, e, p) = (&r.ladder, &r.economy, &r.prices);
    let _ = writeln!(
        out,
        "| the ladder | | | | {:.1} | {:.2} | {:.2} |\n",
        l.frames_per_second, l.cores_per_stream, l.streams
    );
    let _ = writeln!(
        out,
        "output              {:.2} million pixels a second, {:.1} joules a million (at {} W)",
        e.pixels_per_second / 1e6,
        e.joules_per_megapixel,
        p.watts
    );
    let _ = writeln!(
        out,
        "costs               {:.4} an hour of the machine, {:.4} an hour of video",
        e.cost_per_hour, e.cost_per_stream_hour
    );
    let _ = write!(
        out,
        "break-even          {:.3e} a million pixels, always busy",
        e.per_megapixel
    );
    if let Some(wei) = e.wei_per_pixel {
        let _ = write!(out, "; {wei:.0} wei a pixel");
    }
    out
}
