// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FramesProof, LeafProof, QuorumVerdict, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {Bls} from "../libraries/Bls.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Leaf, Leaves} from "../objects/Leaf.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Role} from "../objects/Role.sol";
import {Verdict} from "../objects/Verdict.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Network} from "./Network.sol";
import {Trees} from "./Trees.sol";

/// @title A stream on a deployment: one broadcaster, one transcoder with a delegator, four verifiers, and
///        whatever they sign
abstract contract Stream is Network {
    using BlsSigner for uint256;

    uint256 internal constant BROADCASTER = 0xB0;
    uint256 internal constant TRANSCODER = 0x70;
    uint256 internal constant VERIFIERS = 4;
    uint32 internal constant LEAVES = 8;
    uint32 internal constant CHUNKS = 4;
    bytes32 internal constant RECOMPUTED = keccak256("what it should have been");
    address internal constant DELEGATOR = address(0xDE1E);

    address internal broadcaster = vm.addr(BROADCASTER);
    address internal transcoder = vm.addr(TRANSCODER);
    uint256 internal jobId;
    bytes internal profiles;
    /// Secrets of the round's verifiers in snapshot order; each is BLS key and, as an account, its operator.
    uint256[] internal seats;
    /// Leaves of an assignment.
    uint32 internal leafCount = LEAVES;
    /// Leaf whose fields a test has changed, at its index.
    mapping(uint32 index => Leaf) private _changed;
    mapping(uint32 index => bool) private _isChanged;

    function startStream() internal {
        deploy();
        bond(Role.Transcoder, transcoder, 1000 * LPT);
        delegate(Role.Transcoder, transcoder, DELEGATOR, 500 * LPT);
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            uint256 secret = 0xE1 + i;
            bond(Role.Verifier, vm.addr(secret), 300 * LPT);
            register(vm.addr(secret), secret);
            seats.push(secret);
        }
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            for (uint256 j = i + 1; j < VERIFIERS; ++j) {
                if (vm.addr(seats[j]) < vm.addr(seats[i])) (seats[i], seats[j]) = (seats[j], seats[i]);
            }
        }
        profiles = vm.parseJsonBytes(vectors("merkle"), ".profiles");
        vm.prank(broadcaster);
        jobId = jobs.createJob(profiles, 1200);
        openRound();
        vm.roll(block.number + 1);
    }

    /// @dev Signed in this block.
    function assignment(uint32 seq) internal view returns (Assignment memory) {
        return Assignment({
            jobId: jobId,
            seq: seq,
            attempt: 0,
            round: rounds.currentRound(),
            transcoder: transcoder,
            sourceHash: keccak256(abi.encode("source", seq)),
            sourceLen: 700_000,
            framesRoot: Trees.root(chunkHashes(seq)),
            frameCount: 60,
            profilesHash: keccak256(profiles),
            encoderId: keccak256("encoder"),
            leafCount: leafCount,
            pricePerPixel: 1200,
            deadlineBlock: uint64(block.number) + 12
        });
    }

    function chunkRoot(uint32 seq, uint32 chunk) internal pure returns (bytes32) {
        return keccak256(abi.encode("frames", seq, chunk));
    }

    function chunkHashes(uint32 seq) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](CHUNKS);
        for (uint32 chunk = 0; chunk < CHUNKS; ++chunk) {
            hashes[chunk] = MerkleTree.leafHash(abi.encodePacked(chunkRoot(seq, chunk)));
        }
    }

    function change(uint32 index, Leaf memory leaf) internal {
        (_changed[index], _isChanged[index]) = (leaf, true);
    }

    function leafAt(uint32 seq, uint32 index) internal view returns (Leaf memory) {
        if (_isChanged[index]) return _changed[index];
        uint32 chunk = index % CHUNKS;
        return Leaf(
            uint8(index / CHUNKS),
            chunk,
            chunkRoot(seq, chunk),
            50_000,
            keccak256(abi.encode("out", seq, index))
        );
    }

    function leafHashes(uint32 seq) internal view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](leafCount);
        for (uint32 i = 0; i < leafCount; ++i) {
            hashes[i] = MerkleTree.leafHash(this.pack(leafAt(seq, i)));
        }
    }

    function pack(Leaf calldata leaf) external pure returns (bytes memory) {
        return Leaves.pack(leaf);
    }

    /// @dev An assignment of this block and the receipt over its leaves, both signed.
    function receipt(uint32 seq) internal view returns (SignedReceipt memory) {
        return receiptFor(assignment(seq));
    }

    function receiptFor(Assignment memory a) internal view returns (SignedReceipt memory signed) {
        bytes32 digest = evidence.hashAssignment(a);
        signed.assignment = a;
        signed.broadcasterSignature = signature(BROADCASTER, digest);
        signed.receipt = Receipt(digest, Trees.root(leafHashes(a.seq)), 400_000, keccak256("plant"));
        signed.transcoderSignature = signature(TRANSCODER, evidence.hashReceipt(signed.receipt));
    }

    function leafProof(uint32 seq, uint32 index) internal view returns (LeafProof memory) {
        return LeafProof(leafAt(seq, index), index, Trees.path(leafHashes(seq), index));
    }

    function framesProof(uint32 seq, uint32 chunk) internal view returns (FramesProof memory) {
        return FramesProof(profiles, chunkRoot(seq, chunk), Trees.path(chunkHashes(seq), chunk));
    }

    function verdict(SignedReceipt memory signed, uint32 index, bytes32 recomputed, uint64 bitmap)
        internal
        view
        returns (QuorumVerdict memory)
    {
        bytes32 digest =
            evidence.hashVerdict(Verdict(evidence.hashReceipt(signed.receipt), index, recomputed));
        return QuorumVerdict(recomputed, bitmap, aggregate(digest, bitmap));
    }

    /// @dev The signature of the sum of the signers' secrets is the sum of their signatures.
    function aggregate(bytes32 digest, uint64 bitmap) internal view returns (bytes memory) {
        uint256 sum;
        for (uint256 i = 0; i < seats.length; ++i) {
            if ((bitmap >> i) & 1 == 1) sum += seats[i];
        }
        return sum == 0 ? new bytes(Bls.G1_LENGTH) : sum.sign(digest);
    }

    function signature(uint256 secret, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Proves leaf 3 of the segment wrong with these signers.
    function prove(SignedReceipt memory signed, uint64 bitmap) internal returns (bytes32) {
        LeafProof memory proof = leafProof(signed.assignment.seq, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, bitmap);
        return court.prove(signed, proof, quorum);
    }

    function ownStake(Role role, address operator) internal view returns (uint256) {
        return bonding.stakeOf(role, operator, operator);
    }
}
