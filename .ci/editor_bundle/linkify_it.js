// In place of the package: the portal's Markdown does not link bare addresses.

export default class LinkifyIt {}
