<p>Dear ${tier} customer, we have your mail.</p>
