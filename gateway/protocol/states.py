"""The states of an exchange; which event is legal in which of them is a table in `gateway.protocol.exchange`."""

from enum import Enum, auto


class State(Enum):
    """Where an exchange is."""

    IDLE = auto()
    ADMITTING = auto()  # it is read; whether and by which rules is being settled
    SCANNING_REQUEST = auto()  # the prompt is long: the scan pool reads it
    CLASSIFYING = auto()  # a prompt or a whole reply is scored
    NOTING = auto()  # the prompt is blocked: its strike is being committed
    AWAITING_UPSTREAM = auto()
    BUFFERING = auto()  # a reply that is read whole comes in
    SCANNING_REPLY = auto()  # it is long: the scan pool reads it
    LABELLING = auto()  # its pictures or its sound get their labels
    STREAMING = auto()
    SETTLING = auto()  # a stream's text has ended, and not all of it is scored yet
    PASSING = auto()  # a reply nobody can read goes out as it comes in
    RECORDING = auto()  # the record is being appended; what follows waits for it
    CLOSING = auto()  # the answer is complete but for the model server's own end
    DONE = auto()
