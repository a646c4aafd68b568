Nobody has answered this urgent mail yet.

Customer: ${customer}
Subject:  ${subject}
Case:     ${case}

See its open task:   starter task list --instance ${case}
