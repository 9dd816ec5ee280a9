// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Addresses} from "./Addresses.sol";
import {IChallenges} from "./interfaces/IChallenges.sol";
import {IEvidence} from "./interfaces/IEvidence.sol";
import {IFraudCourt, FaultKind} from "./interfaces/IFraudCourt.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {Assignment} from "./objects/Assignment.sol";
import {Receipt} from "./objects/Receipt.sol";
import {Parameters} from "./Parameters.sol";

/// @title What all challenges share: whom they ask, and bonds that are paid in and pulled out
abstract contract ChallengeBonds is IChallenges {
    using SafeERC20 for IERC20;

    /// LPT: bonds.
    ERC20Burnable public immutable token;
    /// Opens cases.
    IFraudCourt public immutable court;
    /// Checks what is signed.
    IEvidence public immutable evidence;
    /// Who acts for whom.
    IOperators public immutable operators;
    /// Which round it is.
    IRoundsManager public immutable rounds;
    /// Blocks of an epoch.
    uint64 public immutable epochBlocks;
    /// D: blocks from an assignment's signing to its deadline.
    uint64 public immutable deadlineBlocks;
    /// Blocks after a deadline in which evidence is accepted.
    uint64 public immutable evidenceWindow;
    /// Blocks from a case's opening to its earliest execution.
    uint64 public immutable caseWindow;

    /// @inheritdoc IChallenges
    mapping(address account => uint256) public owed;

    constructor(Parameters memory p, Addresses memory addresses) {
        token = ERC20Burnable(addresses.token);
        court = IFraudCourt(addresses.court);
        evidence = IEvidence(addresses.evidence);
        operators = IOperators(addresses.operators);
        rounds = IRoundsManager(addresses.rounds);
        epochBlocks = p.epochBlocks;
        deadlineBlocks = p.deadlineBlocks;
        evidenceWindow = p.evidenceWindow;
        caseWindow = p.caseWindow;
    }

    /// @inheritdoc IChallenges
    function withdraw() external returns (uint256 amount) {
        amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owed[msg.sender] = 0;
        emit BondsWithdrawn(msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    function _takeBond(uint256 amount) internal {
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @dev The receipt's hash; it must answer the assignment. Nothing is said about signatures.
    function _hashWork(Assignment calldata assignment, Receipt calldata receipt)
        internal
        view
        returns (bytes32 assignmentHash, bytes32 receiptHash)
    {
        assignmentHash = evidence.hashAssignment(assignment);
        if (receipt.assignmentHash != assignmentHash) {
            revert WrongReceipt(receipt.assignmentHash, assignmentHash);
        }
        receiptHash = evidence.hashReceipt(receipt);
    }

    function _wrongEncodeId(bytes32 assignmentHash) internal view returns (bytes32) {
        return court.caseIdOf(FaultKind.WrongEncode, assignmentHash);
    }

    function _requireBy(uint256 until) internal view {
        if (block.number > until) revert TooLate(until, block.number);
    }
}
