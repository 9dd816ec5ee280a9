// Holds the report of a demonstration with a cheater or more against what must be in it.
import { existsSync, readFileSync } from "node:fs";

// Most gas with four signers.
const PROVE_GAS = 300_000;
const EXECUTE_GAS = 180_000;
// The demonstration's case window.
const CASE_BLOCKS = 3;

const path = process.argv[2];
const report = JSON.parse(readFileSync(path, "utf8"));
const wrong = [];
const must = (holds, what) => holds || wrong.push(what);

// Decimal strings in LPT, compared without rounding.
const atoms = (text) => {
  const [whole, part = ""] = text.split(".");
  return BigInt(whole + part.padEnd(18, "0"));
};

// Who cheats is what the nodes say of themselves; everything else is what others found out, and the chain.
const { transcoders, verifiers, fraud_proofs: proofs, chunks, samples } = report;
const cheaters = new Set(transcoders.filter(({ cheats_made }) => cheats_made > 0).map(({ address }) => address));
must(cheaters.size > 0, "nobody cheated");
for (const { address, stake_before, stake_after, cheats_made, accused, slashed, minted } of transcoders) {
  const cheats = cheaters.has(address);
  must(accused > 0 === cheats, `${address}: ${accused} leaves accused, ${cheats_made} made wrong`);
  must(accused <= cheats_made, `${address}: ${accused} leaves accused, ${cheats_made} made wrong`);
  must(atoms(slashed) > 0n === cheats, `${address}: slashed ${slashed} LPT for ${cheats_made} leaves`);
  const [before, after] = [atoms(stake_before), atoms(stake_after)];
  const kept = cheats ? after < before + atoms(minted) : after >= before;
  must(kept, `${address}: stake ${stake_before} -> ${stake_after}, ${minted} minted`);
  must(proofs.some(({ transcoder }) => transcoder === address) === cheats, `${address}: proofs against ${cheats_made} leaves`);
}

for (const proof of proofs) {
  const name = `proof of leaf ${proof.leaf}`;
  must(cheaters.has(proof.transcoder), `${name}: ${proof.transcoder} has made no leaf wrong`);
  must(proof.signer_weight_bps >= 6667, `${name}: signers hold ${proof.signer_weight_bps} basis points`);
  must(proof.tx_prove && proof.tx_execute, `${name}: a transaction is missing`);
  must(
    proof.block_executed >= proof.block_proven + CASE_BLOCKS,
    `${name}: proven in block ${proof.block_proven}, executed in block ${proof.block_executed}`,
  );
  must(atoms(proof.burned) > 0n && atoms(proof.signers_paid) > 0n, `${name}: nothing was burned or paid`);
  must(existsSync(proof.file), `${name}: ${proof.file} is not there`);
  if (verifiers.length > 4) continue;
  must(proof.gas_prove > 0 && proof.gas_prove <= PROVE_GAS, `${name}: proving took ${proof.gas_prove} gas`);
  must(proof.gas_execute > 0 && proof.gas_execute <= EXECUTE_GAS, `${name}: executing took ${proof.gas_execute} gas`);
}

let drawn = 0;
let most = 0;
for (const { address, samples: own, passes, mismatches, signed } of verifiers) {
  must(passes + mismatches === own, `${address}: ${own} samples, ${passes} right, ${mismatches} wrong`);
  const found = proofs.filter(({ signers }) => signers.includes(address)).length;
  must(signed === found, `${address}: signed ${signed} proofs, is in ${found}`);
  drawn += own;
  most = Math.max(most, own);
}
must(samples > 0 && samples <= chunks, `${samples} of ${chunks} chunks were sampled`);
must(most <= samples && samples <= drawn, `${samples} samples, the verifiers have ${drawn} together, one has ${most}`);
must(report.sample_fraction === samples / chunks, `${samples} of ${chunks} are not ${report.sample_fraction}`);
// That pools and chain have the same fees, the demonstration itself has asked the chain.
must(atoms(report.fees_burned_eth) <= atoms(report.fees_paid_eth), `more than ${report.fees_paid_eth} ETH were burned`);
must(existsSync(report.playlist), `the playlist ${report.playlist} is not there`);

if (wrong.length > 0) {
  for (const what of wrong) console.error(`${path}: ${what}`);
  process.exit(1);
}
console.log(
  `${report.segments} segments, ${report.samples} of ${report.chunks} chunks sampled, ` +
    `${report.fraud_proofs.length} fraud proofs, ${report.wall_seconds} s`,
);
