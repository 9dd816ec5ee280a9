// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Assignment} from "../objects/Assignment.sol";
import {Leaf} from "../objects/Leaf.sol";
import {Receipt} from "../objects/Receipt.sol";
import {LeafProof, QuorumVerdict, SignedReceipt} from "./IEvidence.sol";
import {CaseStatus} from "./IFraudCourt.sol";

/// @notice A verifier's accusation of a leaf, as it was gossiped.
struct SignedAccusation {
    /// Place of the accuser in the round of the assignment.
    uint256 position;
    /// keccak256 of the accuser's own signature on its verdict.
    bytes32 commit;
    /// 65 bytes of the accuser's operator key.
    bytes signature;
}

/// @notice A demand to open a leaf.
struct LeafChallenge {
    address challenger;
    address transcoder;
    /// Last block in which the leaf may be opened.
    uint64 answerUntil;
    uint32 leafCount;
    bool closed;
    bytes32 outputRoot;
    bytes32 assignmentHash;
}

/// @notice A planted fault.
struct Plant {
    /// keccak256 of the secret; zero once it was burned.
    bytes32 commitment;
    /// Who put up the bond.
    address payer;
    /// Block in which it was revealed.
    uint64 revealedBlock;
    /// Hash of the receipt in which it was revealed; zero if it was not.
    bytes32 revealed;
}

/// @title Finders' claims, faults of verifiers, planted faults and demands to open a leaf
interface IChallenges {
    /// The receipt, leaf or status is not the case's.
    error NotTheCase(bytes32 caseId, CaseStatus status);
    /// The verifier is among the signers, or the only one (for a claim: is not).
    error WrongPosition(uint256 position, uint64 bitmap);
    /// The epoch lasts until before block `end`.
    error EpochNotOver(uint64 epoch, uint256 end);
    /// The epoch begins at block `from`; a ticket counts as shown early while it lasts.
    error EpochNotBegun(uint64 epoch, uint256 from);
    /// The epoch has ended: its ticket is no secret.
    error EpochOver(uint64 epoch, uint256 end);
    /// This was possible until block `until`.
    error TooLate(uint256 until, uint256 current);
    /// This is possible from block `from` on.
    error TooEarly(uint256 from, uint256 current);
    /// The ticket does not draw the leaf.
    error NotDrawn(address verifier, uint32 leafIndex);
    /// Another signer has drawn lower.
    error LowerDraw(bytes32 found, bytes32 lowest);
    /// The finder's own pool is frozen; it is paid after its case.
    error FinderFrozen(address finder);
    /// Neither the operator nor its signer.
    error NotTheOperator(address caller, address operator);
    /// One plant a round.
    error AlreadyPlanted(address operator, uint64 round);
    /// No such plant.
    error NoPlant(address operator, uint64 round);
    /// This plant was not revealed, or only in this receipt.
    error NoSecondPlant(address operator, uint64 round, bytes32 revealed);
    /// The receipt's plant is another.
    error WrongPlant(bytes32 found, bytes32 expected);
    /// The receipt answers another assignment.
    error WrongReceipt(bytes32 found, bytes32 expected);
    /// The leaf was demanded before.
    error AlreadyChallenged(bytes32 receiptHash, uint32 leafIndex);
    /// Nobody demands this leaf, or no more.
    error NoChallenge(bytes32 receiptHash, uint32 leafIndex);
    /// The resolver has not refuted this divergence.
    error NotRefuted(bytes32 caseId);
    /// Nobody is entitled to the reward of this case.
    error NoBeneficiary(bytes32 caseId);
    /// Nothing is owed to the account.
    error NothingOwed(address account);
    /// The court knows another contract as this one.
    error WrongDeployment(address found, address expected);

    /// The signer with the lowest draw so far.
    event FinderClaimed(bytes32 indexed caseId, address indexed verifier, uint32 leafIndex, bytes32 draw);
    /// A quorum passed a leaf that this verifier had accused.
    event LeafAcquitted(
        bytes32 indexed receiptHash, uint32 leafIndex, address indexed transcoder, address indexed accuser
    );
    /// A transcoder committed itself to a fault in the next round.
    event FaultPlanted(address indexed operator, uint64 indexed round, bytes32 commitment, uint256 bond);
    /// The fault was planted: nobody pays for the work, and it is no fault.
    event PlantRevealed(
        address indexed operator,
        uint64 indexed round,
        bytes32 indexed receiptHash,
        uint32 leafIndex,
        bytes32 secret
    );
    /// The plant was not revealed in time.
    event PlantBurned(address indexed operator, uint64 indexed round, uint256 bond);
    /// The transcoder must open the leaf by block `answerUntil`.
    event LeafChallenged(
        bytes32 indexed receiptHash,
        uint32 indexed leafIndex,
        address indexed transcoder,
        bytes32 assignmentHash,
        address challenger,
        uint64 answerUntil
    );
    /// The leaf was opened.
    event LeafOpened(bytes32 indexed receiptHash, uint32 indexed leafIndex, Leaf leaf);
    /// What is owed was paid out.
    event BondsWithdrawn(address indexed account, uint256 amount);

    /// @notice Claims the finder's part of a wrong-encode case for a signer of its proof by the ticket with which
    ///         it drew the leaf: from the epoch's end until the evidence window closes. The lowest draw wins.
    ///         Anyone may claim for a signer.
    /// @param assignment what the case is about
    /// @param position the signer's place in the round
    /// @param ticket 128 bytes over the epoch's sample ticket
    function claimFinder(Assignment calldata assignment, uint256 position, bytes calldata ticket)
        external
        returns (bytes32 caseId);

    /// @notice Pays the finder's part of an executed wrong-encode case to who claimed with the lowest draw, or
    ///         burns it, once the evidence window has closed. Anyone may call it.
    function settleFinder(Assignment calldata assignment) external returns (uint256 amount);

    /// @notice Shows a ticket while its epoch lasts. Half of what is cut from the own bond is the caller's.
    function showEarlyTicket(address verifier, uint64 epoch, bytes calldata ticket)
        external
        returns (bytes32 caseId);

    /// @notice Shows a pass of a verifier of the round on a leaf that a quorum found wrong, also of one who is counted in
    ///         that quorum.
    /// @param fails the quorum: two thirds of the weight; not looked at, and any, if the leaf has a case that such a
    ///        quorum has opened
    /// @param signature 128 bytes over the verdict that says the leaf's own hash
    function falsePass(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata fails,
        uint256 position,
        bytes calldata signature
    ) external returns (bytes32 caseId);

    /// @notice Acquits the transcoder of an accused leaf by a quorum of passes, at the accuser's cost. An open case
    ///         about the leaf is contested: two quorums contradict each other.
    function acquit(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata passes,
        SignedAccusation calldata accusation
    ) external returns (bytes32 caseId);

    /// @notice Shows a divergence on a leaf that the resolver found wrong.
    /// @param signature 128 bytes over the divergence at this level; neither is looked at if the verifier was counted when
    ///        the breaker tripped
    function falseDivergence(
        Assignment calldata assignment,
        Receipt calldata receipt,
        uint256 position,
        uint8 level,
        bytes calldata signature
    ) external returns (bytes32 caseId);

    /// @notice Pays the finder's part of an executed case to who brought it (early ticket, false pass, false
    ///         accusation, false divergence, withheld leaf). Anyone may call it.
    function claimReward(bytes32 caseId) external returns (uint256 amount);

    /// @notice Commits the caller, or the operator it acts for, to a fault in the next round; takes the bond.
    /// @param commitment keccak256 of a secret
    function plantFault(bytes32 commitment) external;

    /// @notice Reveals a plant: the receipt's `plant` is `keccak256(secret, assignmentHash, leafIndex)`. Possible
    ///         after the epoch's reports, and within the window of a case about the leaf, which then ends, whoever but
    ///         the accused has contested it; either way until `challengeBlocks` before the evidence window closes. By
    ///         the transcoder or its signer; the bond comes back.
    function revealPlant(SignedReceipt calldata signed, uint32 leafIndex, bytes32 secret) external;

    /// @notice Shows another receipt that is marked with a plant which was revealed: one plant is for one leaf, and does not
    ///         insure a round. Costs as much as a leaf that contradicts its place, as one case with that. Possible until the
    ///         evidence window closes, and for a case window from the reveal at least.
    function showSecondPlant(SignedReceipt calldata signed, uint32 leafIndex, bytes32 secret)
        external
        returns (bytes32 caseId);

    /// @notice Burns the bond of a plant that was not revealed in time. Anyone may call it.
    function burnPlant(address operator, uint64 round) external;

    /// @notice Demands the opening of a leaf, with a bond: who opens it gets the bond, silence is a fault.
    function challengeLeaf(SignedReceipt calldata signed, uint32 leafIndex) external;

    /// @notice Opens a demanded leaf. Anyone may call it; the bond is the transcoder's.
    function openLeaf(bytes32 receiptHash, LeafProof calldata proof) external;

    /// @notice Opens a case about a leaf that was not opened in time. The challenger gets its bond back.
    function reportWithheld(bytes32 receiptHash, uint32 leafIndex) external returns (bytes32 caseId);

    /// @notice Pays out what is owed to the caller.
    function withdraw() external returns (uint256 amount);

    /// @notice Who has the lowest draw of a receipt's leaf so far; zeros if nobody.
    function finderOf(bytes32 receiptHash, uint32 leafIndex)
        external
        view
        returns (address verifier, bytes32 draw);

    /// @notice Who gets the finder's part of a case that was opened here.
    function beneficiaryOf(bytes32 caseId) external view returns (address);

    /// @notice The operator's plant of a round; zeros if there is none.
    function plantOf(address operator, uint64 round) external view returns (Plant memory);

    /// @notice A demand; zeros if there is none.
    function challengeOf(bytes32 receiptHash, uint32 leafIndex) external view returns (LeafChallenge memory);

    /// @notice What withdrawing would pay to the account.
    function owed(address account) external view returns (uint256);
}
