import CRDKafka
import LaminaBase
import LaminaIngest
import Synchronization

/// What librdkafka says is wrong, by what can be done about it.
enum KafkaFailure {
    static func text(_ code: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2str(code)) }

    /// - Parameters:
    ///   - what: what was tried, for the message.
    ///   - partition: what it was about, where it was about one.
    static func error(
        _ code: rd_kafka_resp_err_t,
        _ what: String,
        partition: StreamPartition? = nil,
        detail: String? = nil
    ) -> StreamError {
        let message = "\(what): \(detail ?? text(code))"
        switch code {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            if let partition { return .partitionGone(partition) }
            return .unreachable(message)
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
            return .refused(LaminaError(.forbidden, code: "kafkaRefused", message))
        case RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__BAD_COMPRESSION, RD_KAFKA_RESP_ERR__FATAL,
            RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE,
            RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED,
            RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR__INVALID_ARG:
            return .refused(LaminaError(.runtimeFailure, code: "kafka", message))
        default: return .unreachable(message)
        }
    }
}

/// What a client's own threads complain of, which no question's answer names: that credentials are wrong, that no broker is there.
/// One broker's closed connection is none: it is opened again.
final class KafkaComplaints: Sendable {
    private struct State {
        var last: (code: rd_kafka_resp_err_t, text: String)?
        /// Of the connection that failed last.
        var detail: String?
    }

    private let state = Mutex(State())

    func note(_ code: rd_kafka_resp_err_t, _ text: String) {
        state.withLock { state in
            if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
                // It follows from what is wrong with each, and says less.
                if state.last == nil { state.last = (code, state.detail ?? text) }
            } else if case .refused = KafkaFailure.error(code, text) {
                state.last = (code, text)
            } else {
                state.detail = text
            }
        }
    }

    func take() -> (code: rd_kafka_resp_err_t, text: String)? {
        state.withLock { state in
            defer { state.last = nil }
            return state.last
        }
    }

    /// What a question that timed out may have failed by.
    func takeDetail() -> String? {
        state.withLock { state in
            defer { state.detail = nil }
            return state.detail
        }
    }

    /// Something was read: what was wrong is past.
    func forget() { state.withLock { $0 = State() } }
}
