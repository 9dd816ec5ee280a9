// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CaseStatus, FaultKind} from "../interfaces/IFraudCourt.sol";
import {Role} from "../objects/Role.sol";

/// @title Rounds, keys, stakes and cases as a test sets them: all that the ticket broker asks for
contract Surroundings {
    struct Change {
        uint64 round;
        uint256 weight;
    }

    uint64 public currentRound = 1;
    /// @dev In the order of rounds; of the zero address: of all.
    mapping(address operator => Change[]) private _weights;
    mapping(address operator => address) private _signers;
    mapping(bytes32 assignmentHash => CaseStatus) private _cases;

    function setRound(uint64 round) external {
        currentRound = round;
    }

    /// From the present round on, whose snapshot is taken after it.
    function activate(address operator, uint256 weight) external {
        uint256 total = _weightAt(address(0), currentRound) + weight - _weightAt(operator, currentRound);
        _weights[operator].push(Change(currentRound, weight));
        _weights[address(0)].push(Change(currentRound, total));
    }

    function setSigner(address operator, address signer) external {
        _signers[operator] = signer;
    }

    function setCase(bytes32 assignmentHash, CaseStatus status) external {
        _cases[assignmentHash] = status;
    }

    /// Signers are remembered for a week of rounds.
    function memoryRounds() external pure returns (uint64) {
        return 7;
    }

    /// Every round has lasted since the beginning.
    function ageAt(uint64 round, uint256) external view returns (bool, uint64) {
        return round > currentRound ? (false, 0) : (true, currentRound - round);
    }

    function signerAt(address operator, uint64) external view returns (address) {
        return _signers[operator] == address(0) ? operator : _signers[operator];
    }

    function cutsAt(Role, address, uint64) external pure returns (uint16, uint16) {
        return (0, 2500);
    }

    function mayAct(address caller, address operator) external pure returns (bool) {
        return caller == operator;
    }

    function weightAt(Role, uint64 round, address operator) external view returns (uint256) {
        return _weightAt(operator, round);
    }

    function totalAt(Role, uint64 round) external view returns (uint256) {
        return _weightAt(address(0), round);
    }

    /// One kind of case for each assignment.
    function caseIdOf(FaultKind kind, bytes32 assignmentHash) external pure returns (bytes32) {
        return kind == FaultKind.WrongEncode ? assignmentHash : bytes32(0);
    }

    function statusOf(bytes32 caseId) external view returns (address, FaultKind, CaseStatus, uint256) {
        return (address(0), FaultKind.WrongEncode, _cases[caseId], 0);
    }

    function caseAbout(bytes32 assignmentHash) external view returns (bytes32, CaseStatus) {
        CaseStatus status = _cases[assignmentHash];
        if (status == CaseStatus.Acquitted || status == CaseStatus.Annulled) status = CaseStatus.None;
        return (status == CaseStatus.None ? bytes32(0) : bytes32("case"), status);
    }

    function _weightAt(address operator, uint64 round) private view returns (uint256) {
        Change[] storage changes = _weights[operator];
        for (uint256 i = changes.length; i > 0; --i) {
            if (changes[i - 1].round <= round) return changes[i - 1].weight;
        }
        return 0;
    }
}
