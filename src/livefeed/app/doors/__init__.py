"""The doors of a running application that take no events: installations, operations, pages; and answering."""
