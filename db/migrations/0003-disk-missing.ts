/** A host may say of a machine that the disk it should take over is not there. */
import { Migration } from "@mikro-orm/migrations";

export class Migration0003DiskMissing extends Migration {
  override up(): void {
    this.addSql("alter table machine drop constraint machine_reason_check");
    this.addSql(`alter table machine add constraint machine_reason_check check (
      reason in ('requested', 'guestShutdown', 'guestPanic', 'processLost', 'hostShutdown',
      'guestFailed', 'diskFull', 'imageMissing', 'hypervisorRefused', 'crashLoop', 'diskMissing')
    )`);
  }
}
