// Unpacks the packages that carry anvil and forge where npm has left them out: they ask for Node.js 20, though they are
// plain files around native programs, and npm passes over an optional package whose wishes are not met without a word.
// Versions and hashes are those of chain/package-lock.json.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const chain = join(dirname(fileURLToPath(import.meta.url)), "..", "chain");
const modules = join(chain, "node_modules");
const { packages } = JSON.parse(readFileSync(join(chain, "package-lock.json"), "utf8"));

for (const [path, entry] of Object.entries(packages)) {
  const fits = entry.os?.includes(process.platform) && entry.cpu?.includes(process.arch);
  const folder = join(chain, path);
  if (!entry.optional || !fits || existsSync(folder)) continue;

  const name = path.slice("node_modules/".length);
  console.log(`fetching ${name} ${entry.version}`);
  const work = mkdtempSync(join(modules, ".fetch-"));
  try {
    const [packed] = JSON.parse(
      execFileSync("npm", ["pack", "--json", "--pack-destination", work, `${name}@${entry.version}`], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    // Older npm writes the scope's `@` and `/` into the name it reports, but not into the file's.
    const archive = join(work, packed.filename.replace(/^@/, "").replace("/", "-"));
    const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (found !== entry.integrity) {
      throw new Error(`${name} ${entry.version}: found ${found}, package-lock.json has ${entry.integrity}`);
    }
    mkdirSync(folder, { recursive: true });
    execFileSync("tar", ["-xzf", archive, "-C", folder, "--strip-components=1", "--no-same-owner"]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }

  const links = join(modules, ".bin");
  mkdirSync(links, { recursive: true });
  for (const [tool, file] of Object.entries(entry.bin ?? {})) {
    const link = join(links, tool);
    rmSync(link, { force: true });
    symlinkSync(relative(links, join(folder, file)), link);
  }
}
