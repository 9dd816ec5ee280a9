// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Accusation} from "../objects/Accusation.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Leaf} from "../objects/Leaf.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Verdict} from "../objects/Verdict.sol";

/// @notice A receipt with everything that ties it to a job: what every accusation of a transcoder needs.
struct SignedReceipt {
    Assignment assignment;
    /// 65 bytes over the assignment's digest.
    bytes broadcasterSignature;
    Receipt receipt;
    /// 65 bytes over the receipt's digest.
    bytes transcoderSignature;
}

/// @notice A leaf with its way to the receipt's output root.
struct LeafProof {
    Leaf leaf;
    uint32 leafIndex;
    /// Siblings from the bottom up.
    bytes32[] path;
}

/// @notice The verdict of a quorum on one leaf.
struct QuorumVerdict {
    bytes32 recomputedHash;
    /// Bit i: the verifier at position i of the assignment's round has signed.
    uint64 bitmap;
    /// Sum of the signatures, 128 bytes.
    bytes aggregateSignature;
}

/// @notice The chunk's true frames root with its way to the assignment's.
struct FramesProof {
    /// The job's profiles, as emitted when it was created.
    bytes profiles;
    bytes32 chunkRoot;
    /// Siblings from the bottom up.
    bytes32[] path;
}

/// @notice What a receipt that holds is about.
struct Work {
    bytes32 assignmentHash;
    bytes32 receiptHash;
    address transcoder;
    uint64 round;
    /// Block in which the assignment was signed, by its own word.
    uint64 signedBlock;
}

/// @notice Why evidence does not hold.
interface IEvidenceErrors {
    /// The signature is the account `found`'s (zero: none at all).
    error WrongSigner(address found, address expected);
    /// The assignment names other profiles than its job.
    error WrongProfiles(bytes32 found, bytes32 expected);
    /// The receipt answers another assignment.
    error WrongAssignment(bytes32 found, bytes32 expected);
    /// `round` was not the last one opened at the block of the assignment's signing.
    error WrongRound(uint64 round, uint256 signedBlock);
    /// The assignment's deadline lies more than D blocks ahead, or before block D.
    error WrongDeadline(uint64 deadlineBlock, uint256 current);
    /// Faults of this assignment were accepted until block `until`.
    error EvidenceTooLate(uint256 until, uint256 current);
    /// The leaf's path leads to another root.
    error WrongOutputRoot(bytes32 found, bytes32 expected);
    /// The chunk root's path leads to another root.
    error WrongFramesRoot(bytes32 found, bytes32 expected);
    /// The assignment's number of leaves is not what its profiles and frames give.
    error WrongLeafCount(uint256 found, uint256 expected);
    /// The recomputed hash is the leaf's: the work is correct.
    error OutputIsCorrect(bytes32 outputHash);
    /// The recomputed hash is not the leaf's: the work is wrong.
    error OutputIsWrong(bytes32 recomputedHash, bytes32 outputHash);
    /// The leaf is the right one.
    error LeafIsCorrect(uint32 leafIndex);
    /// Signers need two thirds of the weight.
    error QuorumMissed(uint256 signed, uint256 total);
    /// The pairing check fails.
    error InvalidAggregate();
    /// Both objects are one, or about different things.
    error NoEquivocation();
}

/// @title Whether what was signed holds: digests, signatures, times, paths
/// @notice Holds no state; the court and what stands beside it ask here. Functions named after one of the
///         court's take the same arguments, so that the court passes its calldata on as it came.
interface IEvidence is IEvidenceErrors {
    /// @notice The domain's verifying contract: the court.
    function court() external view returns (address);

    /// @notice EIP-712 domain separator on this chain.
    function domainSeparator() external view returns (bytes32);

    /// @notice EIP-712 digest of an assignment: its hash.
    function hashAssignment(Assignment calldata assignment) external view returns (bytes32);

    /// @notice EIP-712 digest of a receipt: its hash.
    function hashReceipt(Receipt calldata receipt) external view returns (bytes32);

    /// @notice EIP-712 digest of a verdict: what verifiers sign.
    function hashVerdict(Verdict calldata verdict) external view returns (bytes32);

    /// @notice EIP-712 digest of a sample ticket: what verifiers sign for an epoch.
    function hashTicket(uint64 epoch) external view returns (bytes32);

    /// @notice EIP-712 digest of a divergence: what verifiers sign.
    function hashDivergence(bytes32 receiptHash, uint32 leafIndex, uint8 level)
        external
        view
        returns (bytes32);

    /// @notice EIP-712 digest of an accusation: what the accuser's operator key signs.
    function hashAccusation(Accusation calldata accusation) external view returns (bytes32);

    /// @notice Checks a wrong encode as `IFraudCourt.prove` takes it.
    function checkProof(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata verdict
    ) external view returns (Work memory);

    /// @notice Checks a leaf fault as `IFraudCourt.leafFault` takes it.
    function checkLeafFault(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        FramesProof calldata frames
    ) external view returns (Work memory);

    /// @notice Checks two receipts as `IFraudCourt.equivocation` takes them.
    function checkEquivocation(
        SignedReceipt calldata signed,
        Receipt calldata other,
        bytes calldata otherSignature
    ) external view returns (Work memory);

    /// @notice Checks two assignments as `IFraudCourt.broadcasterEquivocation` takes them.
    /// @return broadcaster who signed both
    /// @return digest of the first one
    /// @return otherDigest of the second one
    function checkBroadcasterEquivocation(
        Assignment calldata assignment,
        bytes calldata signature,
        Assignment calldata other,
        bytes calldata otherSignature
    ) external view returns (address broadcaster, bytes32 digest, bytes32 otherDigest);

    /// @notice Checks that a quorum passed a leaf: `recomputedHash` is the leaf's.
    function checkPasses(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata verdict
    ) external view returns (Work memory);

    /// @notice Checks everything about a receipt but its leaves: the broadcaster's signature, the job, the
    ///         round, the evidence window and the transcoder's signature.
    function checkReceipt(SignedReceipt calldata signed) external view returns (Work memory);

    /// @notice As `checkReceipt`, and also until block `until`, if evidence is taken no longer before that.
    function checkReceiptUntil(SignedReceipt calldata signed, uint256 until)
        external
        view
        returns (Work memory);

    /// @notice Checks the leaf's path to a receipt's output root.
    function checkLeaf(LeafProof calldata proof, uint32 leafCount, bytes32 outputRoot) external pure;

    /// @notice Checks the aggregate of the verifiers in `bitmap` on one digest.
    /// @param excluded operator whose own verifier weight counts on neither side
    /// @return signed weight of the signers
    /// @return total weight of all
    function checkAggregate(
        uint64 round,
        uint64 bitmap,
        address excluded,
        bytes32 digest,
        bytes calldata aggregate
    ) external view returns (uint256 signed, uint256 total);

    /// @notice Checks one verifier's signature, 128 bytes, on a digest.
    function checkVerifier(address verifier, bytes32 digest, bytes calldata signature) external view;

    /// @notice Checks the signature of the account that acts for `operator` in `round`, or its own.
    function checkOperator(address operator, uint64 round, bytes32 digest, bytes calldata signature)
        external
        view;

    /// @notice Checks a verifier's ticket for an epoch and gives its 48 bytes, by which leaves are drawn.
    function checkTicket(address verifier, uint64 epoch, bytes calldata signature)
        external
        view
        returns (bytes memory ticket);

    /// @notice D: blocks from an assignment's signing to its deadline.
    function deadlineBlocks() external view returns (uint64);

    /// @notice Blocks after the deadline during which faults are accepted.
    function evidenceWindow() external view returns (uint64);
}
