#lang racket/base
(require racket/string)

(displayln "hello from racket")
(displayln (string-append
            "args: "
            (string-join (vector->list (current-command-line-arguments)))))
(displayln (string-append "in: " (read-line)))
(exit 3)
